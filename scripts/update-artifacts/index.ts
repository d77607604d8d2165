/** `npm run update-artifacts`: see options.ts for what it does, and docs/releasing.md for when. */
import path from "node:path";
import { checkStart } from "./check-start.js";
import { runCommand } from "../run-command.js";
import { disk } from "./disk.js";
import { endOnSignals } from "../end-on-signals.js";
import { parseOptions, usage } from "./options.js";
import { Progress } from "../registry/progress.js";
import { protocolOf } from "./protocol.js";
import { tarballSize } from "../registry/tarball-size.js";
import type { Tools } from "./tools.js";
import { updateArtifacts } from "./update-artifacts.js";

const root = path.resolve(import.meta.dirname, "..", "..");
const progress = new Progress(process.stdout);
const log = (line: string): void => {
  progress.clear();
  process.stdout.write(`${line}\n`);
};
const ended = endOnSignals(log);
const onProgress: Tools["onProgress"] = (spec, bytes, total) => {
  progress.show(spec, bytes, total);
};
const tools: Tools = {
  run: runCommand,
  disk,
  protocol: protocolOf(root, { signal: ended.signal, onProgress }),
  checkStart,
  sizeOf: (spec, signal) => tarballSize(spec, { run: runCommand, cwd: root, signal }),
  log,
  onProgress,
  signal: ended.signal,
};

try {
  const options = parseOptions(process.argv.slice(2), root);
  if (options === "help") log(usage);
  else await updateArtifacts(options, tools);
} catch (error) {
  progress.clear();
  process.stderr.write(`update-artifacts: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = ended.exitCode ?? 1;
} finally {
  ended.stop();
}
