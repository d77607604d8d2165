/**
 * The machine behind the server, without a model: run commands, talk to them while they run, watch a
 * directory, read and write files, find files.
 */
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex } from "codex-app-server-sdk";
import { configFor, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
const project = await realpath(await mkdtemp(path.join(tmpdir(), "exec-and-watch-")));
await using codex = new Codex({ ...(await configFor(model)), cwd: project });
try {
  // A command: its result is there when it has ended. An exit code other than 0 is no error.
  const { exitCode, stdout } = await codex.exec([process.execPath, "--version"]).exit;
  console.log(`node says ${stdout.trim()}, and ends with ${exitCode}`);

  // A conversation with a command: write to it, and read its lines as they come.
  const upper = codex.exec(
    [process.execPath, "-e", "process.stdin.on('data', d => console.log(`${d}!`))"],
    {
      stdin: true,
      timeoutMs: 30_000,
    },
  );
  const answers = upper.stdout.lines();
  await upper.write("hello");
  const answer = await answers.next();
  await upper.closeStdin();
  const { exitCode: upperCode } = await upper.exit;
  console.log(`it answers "${answer.value ?? ""}"`);

  // A server would run on for ever: the end of the block ends it, with all that it has started.
  {
    await using endless = codex.exec([
      "node",
      "-e",
      "console.log('ready'); setInterval(() => {}, 9)",
    ]);
    for await (const line of endless.stdout.lines()) {
      console.log(`the endless one is ${line}`);
      break; // stops reading, not the command
    }
  }

  // Watch a directory. From `ready` on no change is missed; leaving the loop ends the watch.
  const notes = path.join(project, "notes.txt");
  const watch = codex.watch(project);
  await watch.ready;
  await codex.files.write(notes, "Größe: 5 €");
  let changed: readonly string[] = [];
  for await (const { changedPaths } of watch) {
    changed = changedPaths;
    break;
  }
  console.log(`changed: ${changed.map((each) => path.basename(each)).join(", ")}`);
  const text = await codex.files.readText(notes);

  // Find files by some letters of their path, as an editor does.
  const [found] = await codex.searchFiles("nts", { roots: [project] });
  console.log(`found: ${found?.path ?? "nothing"}`);

  assert.match(stdout, /^v\d+\./);
  assert.deepEqual([exitCode, upperCode, answer.value], [0, 0, "hello!"]);
  assert.deepEqual([changed, text, found?.path], [[notes], "Größe: 5 €", "notes.txt"]);
  console.log("completed");
} finally {
  await rm(project, { recursive: true, force: true });
}
