/**
 * `npm run test:update`: shows that keeping up with the server costs one command. In a scratch clone, with
 * the sources as they were before the pinned release came, it goes back to an older release and from there
 * through the others with `npm run update-artifacts -- --channel <version>`. It holds that the tests on
 * the real server pass after each, that nothing is changed but what the command may change, and that
 * running it again changes nothing. What people have changed by hand for the pinned release is laid over
 * only after the project has moved there, and the output says so. Prints what changed in the protocol and
 * how long each step took. Other releases than the usual ones may be named: `-- 0.169.0 0.171.0`.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { table } from "../matrix/table.js";
import { endOnSignals } from "../../scripts/end-on-signals.js";
import { readPin } from "../../scripts/generate/run-binary.js";
import { Rehearsal } from "./rehearsal.js";

const root = path.resolve(import.meta.dirname, "../..");
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const ended = endOnSignals(print);
const scratch = await mkdtemp(path.join(tmpdir(), "update-rehearsal-"));

try {
  const { positionals } = parseArgs({ allowPositionals: true });
  const pinned = await readPin(path.join(root, "package.json"));
  const usual = [...new Set(["0.165.0", "0.169.0", pinned])];
  const [start = "", ...releases] = positionals.length > 0 ? positionals : usual;
  const rehearsal = new Rehearsal(path.join(scratch, "project"), ended.signal, print);
  await rehearsal.clone(root, pinned);
  await rehearsal.goBack(start);
  for (const release of releases) await rehearsal.update(release, release === pinned);
  await rehearsal.repeat(releases.at(-1) ?? start);

  for (const { command, protocol } of rehearsal.steps) {
    if (protocol !== "") print(`\n== ${command}\n${protocol}`);
  }
  const rows = rehearsal.steps.map(({ command, seconds, changed }) => [
    command,
    String(Math.round(seconds)),
    changed,
  ]);
  print(`\n${table(["step", "seconds", "changed"], rows)}`);
} catch (error) {
  process.stderr.write(`test:update: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = ended.exitCode ?? 1;
} finally {
  ended.stop();
  await rm(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
