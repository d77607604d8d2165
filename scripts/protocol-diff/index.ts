/**
 * `npm run protocol:diff -- 0.165.0 0.171.0`: says what is different in the protocol of two releases, and
 * what of this library each change has to do with.
 */
import path from "node:path";
import { endOnSignals } from "../end-on-signals.js";
import { findBinary } from "../generate/run-binary.js";
import type { OnProgress } from "../registry/download-package.js";
import { Progress } from "../registry/progress.js";
import { compareSurfaces } from "./compare-surfaces.js";
import { fetchRuntime } from "./fetch-runtime.js";
import { findAffected } from "./find-affected.js";
import { parseOptions, usage, type DiffOptions, type Release } from "./options.js";
import { readSurface, readVersion } from "./read-surface.js";
import { renderChanges } from "./render-changes.js";

const root = path.resolve(import.meta.dirname, "..", "..");
const progress = new Progress(process.stderr);
const ended = endOnSignals((line) => {
  progress.clear();
  process.stderr.write(`${line}\n`);
});

try {
  // npm starts scripts in the root of the project, wherever it is called.
  const options = parseOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
  process.stdout.write(options === "help" ? usage : `${await compare(options)}\n`);
} catch (error) {
  process.stderr.write(`protocol:diff: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = ended.exitCode ?? 1;
} finally {
  ended.stop();
}

async function compare(options: DiffOptions): Promise<string> {
  const before = await binaryOf(options.before);
  const after = await binaryOf(options.after);
  const version = await readVersion(before, ended.signal);
  if (version === (await readVersion(after, ended.signal))) {
    throw new Error(`Both releases are codex ${version}. Name two different ones.`);
  }
  const changes = compareSurfaces(
    await readSurface(before, ended.signal),
    await readSurface(after, ended.signal),
  );
  ended.signal.throwIfAborted();
  process.stderr.write("finding what of this library has to do with it\n");
  const affected = await findAffected(changes, root);
  if (!options.json) return renderChanges(changes, affected);
  const all = changes.changes.map((change) => ({ ...change, affected: affected.get(change.id) }));
  return JSON.stringify({ ...changes, changes: all }, null, 2);
}

async function binaryOf(release: Release): Promise<string> {
  if ("binary" in release) return release.binary;
  if ("installed" in release) {
    return findBinary(path.join(root, "package.json")).catch((error: unknown) => {
      throw new Error("No codex is installed here: run npm ci.", { cause: error });
    });
  }
  const { version } = release;
  const onProgress: OnProgress = (_spec, bytes, total) => {
    progress.show(`codex ${version}`, bytes, total);
  };
  try {
    return await fetchRuntime(version, { root, onProgress, signal: ended.signal });
  } finally {
    progress.clear();
  }
}
