import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import {
  CommandEndedError,
  CommandNotStartedError,
  ExperimentalApiError,
  TransportClosedError,
  type Codex,
} from "../../lib/index.js";
import { collect } from "../support/collect.js";
import { killIfAlive, untilGone } from "../support/processes.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;
let cwd: string;

beforeAll(async () => {
  // What exec would not be allowed to do, spawn is.
  stage = await RealStage.open({ sandbox: "read-only" });
  codex = stage.codex();
  cwd = stage.project;
});
afterAll(() => stage.close());

const sh = (script: string) => ["sh", "-c", script];

test("a process has its exit code and its output, where and as it was told to run", async () => {
  const env = { ADDED: "yes" };
  const command = codex.spawn(sh("pwd; echo $ADDED; echo err >&2; exit 4"), { cwd, env });
  expect(await collect(command.stdout.lines())).toEqual([cwd, "yes"]);
  expect(await command.exit).toEqual({
    exitCode: 4,
    stdout: `${cwd}\nyes\n`,
    stderr: "err\n",
    stdoutTruncated: false,
    stderrTruncated: false,
    timedOut: false,
  });
});

test("no sandbox holds a process, whatever the configuration says, while it holds a command", async () => {
  const confined = codex.exec(sh("echo x > confined"));
  expect((await confined.exit).exitCode).not.toBe(0);
  const free = codex.spawn(sh("echo x > free"), { cwd });
  expect(await free.exit).toMatchObject({ exitCode: 0 });
  expect(await readFile(path.join(cwd, "free"), "utf8")).toBe("x\n");
});

test("a process that cannot be started says what to check", async () => {
  const missing = codex.spawn(["no-such-program-anywhere"], { cwd });
  expect(await rejection(missing.exit)).toBeInstanceOf(CommandNotStartedError);
  const nowhere = codex.spawn(["true"], { cwd: "/no/such/directory" });
  expect(await rejection(nowhere.exit)).toBeInstanceOf(CommandNotStartedError);
});

test("bytes go in and come out as they are", async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
  const command = codex.spawn(["cat"], { cwd, stdin: bytes });
  expect((await buffer(command.stdout)).equals(bytes)).toBe(true);
  const written = codex.spawn(["cat"], { cwd, stdin: true });
  await written.write(Uint8Array.of(0, 255));
  await written.write("é");
  await written.closeStdin();
  expect([...(await buffer(written.stdout))]).toEqual([0, 255, 0xc3, 0xa9]);
  await written.exit;
  expect(await rejection(written.write("late"))).toBeInstanceOf(CommandEndedError);
});

test("what the server collects is cut where it is told to be, and marked", async () => {
  const options = { cwd, streamOutput: false, maxCollectedBytes: 5 };
  const command = codex.spawn(sh("echo 123456789; echo err >&2"), options);
  expect(await command.exit).toMatchObject({
    stdout: "12345",
    stdoutTruncated: true,
    stderr: "err\n",
    stderrTruncated: false,
  });
});

test("a terminal has a size, which changes", async () => {
  const size = { cols: 90, rows: 33 };
  const command = codex.spawn(sh("stty size; read x; stty size"), { cwd, tty: true, size });
  const lines = command.stdout.lines();
  expect((await lines.next()).value).toBe("33 90");
  await command.resize({ cols: 40, rows: 12 });
  await command.write("\n");
  expect((await collect(lines)).filter((line) => line !== "")).toEqual(["12 40"]);
});

describe("ending a process", () => {
  test("by terminate() takes what it has started with it", async () => {
    const command = codex.spawn(sh("sleep 300 & echo $!; wait"), { cwd });
    const child = Number((await command.stdout.lines().next()).value);
    await command.terminate();
    expect(await command.exit).toMatchObject({ exitCode: 137 });
    await command.terminate();
    await untilGone(child);
  });

  test("by terminate() works at once, before it is known to have begun", async () => {
    const command = codex.spawn(["sleep", "300"], { cwd });
    await command.terminate();
    expect(await command.exit).toMatchObject({ exitCode: 137 });
  });

  test("by its time limit says so; without one there is none", async () => {
    const limited = codex.spawn(["sleep", "300"], { cwd, timeoutMs: 200 });
    expect(await limited.exit).toMatchObject({ exitCode: 124, timedOut: true });
  });

  test("by its signal rejects with the reason", async () => {
    const abort = new AbortController();
    const command = codex.spawn(sh("echo $$; exec sleep 300"), { cwd, signal: abort.signal });
    const pid = Number((await command.stdout.lines().next()).value);
    abort.abort(new Error("enough"));
    expect(await rejection(command.exit)).toBe(abort.signal.reason);
    await untilGone(pid);
  });

  test("comes with the end of the client", async () => {
    const other = stage.codex();
    const command = other.spawn(sh("echo $$; exec sleep 300"), { cwd });
    const pid = Number((await command.stdout.lines().next()).value);
    try {
      await other.close();
      expect(await rejection(command.exit)).toBeInstanceOf(TransportClosedError);
      await untilGone(pid);
    } finally {
      killIfAlive(pid);
    }
  });
});

test("many run at once", async () => {
  const numbers = Array.from({ length: 60 }, (_, index) => index);
  // The server may lose output that it has not read two seconds behind the end, so none ends before its output is here.
  const results = await Promise.all(
    numbers.map(async (number) => {
      const command = codex.spawn(sh(`echo ${number}; cat`), { cwd, stdin: true });
      for await (const line of command.stdout.lines()) {
        expect(line).toBe(String(number));
        await command.closeStdin();
      }
      return command.exit;
    }),
  );
  expect(results.map(({ stdout }) => stdout)).toEqual(numbers.map((number) => `${number}\n`));
});

test("a client without experimental methods is told why it cannot", async () => {
  const client = await stage.client({ experimentalApi: false });
  const error = await rejection(client.spawn(["true"], { cwd }).exit);
  expect(error).toBeInstanceOf(ExperimentalApiError);
  expect(await client.exec(["true"]).exit).toMatchObject({ exitCode: 0 });
});
