/** `npm run update-artifacts`: see options.ts for what it does, and docs/releasing.md for when. */
import path from "node:path";
import { compareSurfaces } from "../protocol-diff/compare-surfaces.js";
import { fetchRuntime } from "../protocol-diff/fetch-runtime.js";
import { findAffected } from "../protocol-diff/find-affected.js";
import { readSurface } from "../protocol-diff/read-surface.js";
import { renderChanges } from "../protocol-diff/render-changes.js";
import { checkStart } from "./check-start.js";
import { runCommand } from "./command.js";
import { disk } from "./disk.js";
import { endOnSignals } from "./end-on-signals.js";
import { parseOptions, usage } from "./options.js";
import { Progress } from "./progress.js";
import { tarballSize } from "./tarball-size.js";
import { updateArtifacts } from "./update-artifacts.js";

const root = path.resolve(import.meta.dirname, "..", "..");
const progress = new Progress(process.stdout);
const log = (line: string): void => {
  progress.clear();
  process.stdout.write(`${line}\n`);
};
const ended = endOnSignals(log);

try {
  const options = parseOptions(process.argv.slice(2), root);
  const protocol = { compareSurfaces, fetchRuntime, findAffected, readSurface, renderChanges };
  if (options === "help") log(usage);
  else
    await updateArtifacts(options, {
      run: runCommand,
      disk,
      protocol: protocol as never,
      checkStart,
      sizeOf: (spec, signal) => tarballSize(spec, { run: runCommand, cwd: root, signal }),
      log,
      onProgress: (spec, bytes, total) => {
        progress.show(spec, bytes, total);
      },
      signal: ended.signal,
    });
} catch (error) {
  progress.clear();
  process.stderr.write(`update-artifacts: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = ended.exitCode ?? 1;
} finally {
  ended.stop();
}
