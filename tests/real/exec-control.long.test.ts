import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { buffer } from "node:stream/consumers";
import {
  CommandEndedError,
  RequestTimeoutError,
  TransportClosedError,
  type AppServerClient,
  type Codex,
  type CommandHandle,
} from "../../lib/index.js";
import { collect } from "../support/collect.js";
import { withGrowingLimit } from "../support/growing-limit.js";
import { killIfAlive, untilGone } from "../support/processes.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

const sh = (script: string) => ["sh", "-c", script];

/** A command that tells the id of its process first, and then goes on for long. */
const longScript = "echo $$; exec sleep 300";

async function firstLine(command: CommandHandle): Promise<string> {
  const { value } = await command.stdout.lines().next();
  return value ?? "";
}

describe("stdin", () => {
  test("is empty unless something is given", async () => {
    expect(await codex.exec(["cat"]).exit).toMatchObject({ exitCode: 0, stdout: "" });
  });

  test("given beforehand as text or bytes is read to its end", async () => {
    expect((await codex.exec(["cat"], { stdin: "héllo" }).exit).stdout).toBe("héllo");
    expect((await codex.exec(["wc", "-c"], { stdin: "" }).exit).stdout.trim()).toBe("0");
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => index % 251));
    const command = codex.exec(["cat"], { stdin: bytes });
    expect((await buffer(command.stdout)).equals(bytes)).toBe(true);
  });

  test("need not be read", async () => {
    const command = codex.exec(["true"], { stdin: "x".repeat(1_000_000) });
    expect(await command.exit).toMatchObject({ exitCode: 0 });
  });

  test("takes what is written in order, bytes and text, until it is closed", async () => {
    const command = codex.exec(["cat"], { stdin: true });
    const numbers = Array.from({ length: 50 }, (_, index) => `${index}\n`);
    await Promise.all(numbers.map((number) => command.write(number)));
    await command.write(Uint8Array.of(0, 255, 10));
    await command.closeStdin();
    const bytes = await buffer(command.stdout);
    expect(bytes.subarray(0, -3).toString()).toBe(numbers.join(""));
    expect([...bytes.subarray(-3)]).toEqual([0, 255, 10]);
    expect(await rejection(command.write("late"))).toBeInstanceOf(CommandEndedError);
  });
});

test("a command that reads nothing cannot be ended by the server after some 130 writes", async () => {
  const client = await stage.client();
  const command = client.exec(sh(longScript), { stdin: true });
  const pid = Number(await firstLine(command));
  try {
    const processId = await stuff(client, command);
    const terminate = client.request("command/exec/terminate", { processId }, { timeoutMs: 500 });
    expect(await rejection(terminate)).toBeInstanceOf(RequestTimeoutError);
    // Others do not suffer from it, and the end of the connection ends it all the same.
    expect(await client.exec(["true"]).exit).toMatchObject({ exitCode: 0 });
    await client.close();
    expect(await rejection(command.exit)).toBeInstanceOf(TransportClosedError);
    await untilGone(pid);
  } finally {
    killIfAlive(pid);
  }
});

/** Writes more than the server takes of a command that does not read; gives the command's id. */
async function stuff(client: AppServerClient, command: CommandHandle): Promise<string> {
  const { session } = client;
  const call = session.call.bind(session);
  let processId = "";
  session.call = (method, params, options) => {
    if (method === "command/exec/write") ({ processId } = params as { processId: string });
    return call(method, params, options);
  };
  // More than the pipe to the command holds, and then more than the server holds.
  await command.write("x".repeat(1_000_000));
  for (let count = 0; count < 200; count += 1) {
    const params = { processId, deltaBase64: "eA==" };
    const write = client.request("command/exec/write", params, { longRunning: true });
    write.catch(() => undefined);
  }
  return processId;
}

describe("a terminal", () => {
  test("has the size that it is given, and changes it", async () => {
    const command = codex.exec(sh("stty size; read x; stty size; test -t 0 && echo tty"), {
      tty: true,
      size: { cols: 90, rows: 33 },
    });
    const lines = command.stdout.lines();
    expect(await lines.next()).toEqual({ value: "33 90", done: false });
    await command.resize({ cols: 40, rows: 12 });
    await command.write("\n");
    expect((await collect(lines)).filter((line) => line !== "")).toEqual(["12 40", "tty"]);
    expect(await command.exit).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("turns Ctrl-C into an interrupt, and shows stderr as output", async () => {
    const script = "trap 'echo stopped >&2; exit 7' INT; echo ready; while :; do sleep 0.05; done";
    const command = codex.exec(sh(script), { tty: true });
    const lines = command.stdout.lines();
    expect((await lines.next()).value).toBe("ready");
    await command.write("\u0003");
    expect(await command.exit).toMatchObject({ exitCode: 7, stderr: "" });
    expect((await command.exit).stdout).toMatch(/stopped/);
  });

  test("is needed for a size to be changed", async () => {
    const command = codex.exec(["cat"], { stdin: true });
    expect(await rejection(command.resize({ cols: 10, rows: 10 }))).toMatchObject({
      code: "INVALID_REQUEST",
    });
    await command.closeStdin();
    await command.exit;
    const late = rejection(command.resize({ cols: 10, rows: 10 }));
    expect(await late).toBeInstanceOf(CommandEndedError);
  });
});

describe("ending a command", () => {
  test("by terminate() takes what it has started with it; again is fine, at any time", async () => {
    const command = codex.exec(sh("sleep 300 & echo $!; wait"));
    const child = Number(await firstLine(command));
    await Promise.all([command.terminate(), command.terminate()]);
    expect(await command.exit).toMatchObject({ exitCode: 137, timedOut: false });
    await command.terminate();
    await untilGone(child);
  });

  test("by terminate() works at once, before it is known to have begun", async () => {
    const command = codex.exec(["sleep", "300"]);
    await command.terminate();
    expect(await command.exit).toMatchObject({ exitCode: 137 });
  });

  test("by its time limit leaves what it wrote, and says so", async () => {
    const exit = await withGrowingLimit(
      (timeoutMs) => codex.exec(sh("echo half; sleep 300"), { timeoutMs }).exit,
      ({ stdout }) => stdout !== "",
    );
    expect(exit).toMatchObject({ exitCode: 124, stdout: "half\n", timedOut: true });
    const own = codex.exec(sh("exit 124"), { timeoutMs: 300_000 });
    expect(await own.exit).toMatchObject({ exitCode: 124, timedOut: false });
  });

  test("by its signal rejects with the reason, when it is gone", async () => {
    const abort = new AbortController();
    const command = codex.exec(sh(longScript), { signal: abort.signal });
    const lines = command.stdout.lines();
    const pid = Number((await lines.next()).value);
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await rejection(command.exit)).toBe(reason);
    expect(await rejection(lines.next())).toBe(reason);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
    await untilGone(pid);
  });

  test("by the end of an `await using` block waits for its end", async () => {
    let exit: Promise<{ exitCode: number }>;
    let pid: number;
    {
      await using command = codex.exec(sh(longScript));
      exit = command.exit;
      pid = Number(await firstLine(command));
    }
    expect(await exit).toMatchObject({ exitCode: 137 });
    await untilGone(pid);
  });

  test("comes with the end of the client, which everything then tells", async () => {
    const other = stage.codex();
    const command = other.exec(sh(longScript), { stdin: true });
    const lines = command.stdout.lines();
    const pid = Number((await lines.next()).value);
    try {
      const next = rejection(lines.next());
      await other.close();
      expect(await rejection(command.exit)).toBeInstanceOf(TransportClosedError);
      expect(await next).toBeInstanceOf(TransportClosedError);
      expect(await rejection(command.write("x"))).toBeInstanceOf(TransportClosedError);
      await command.terminate();
      await untilGone(pid);
    } finally {
      killIfAlive(pid);
    }
  });

  test("with a crash of the server rejects, and the next command has a new server", async () => {
    const other = stage.codex();
    const before = await stage.processes();
    const command = other.exec(sh(longScript), { stdin: true });
    const pid = Number(await firstLine(command));
    try {
      const server = (await stage.processes()).find((each) => !before.includes(each));
      process.kill(server ?? 0, "SIGKILL");
      const error = await rejection(command.exit);
      expect(error).toBeInstanceOf(TransportClosedError);
      expect(error).toMatchObject({ signal: "SIGKILL" });
      expect(await other.exec(["echo", "again"]).exit).toMatchObject({ stdout: "again\n" });
    } finally {
      killIfAlive(pid);
      await other.close();
    }
  });
});
