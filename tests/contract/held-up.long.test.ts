import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { AppServerClient } from "../../lib/client.js";
import { holdUp } from "../support/hold-up.js";
import {
  ScriptedServer,
  startScripted,
  type Json,
  type LogEntry,
  type Step,
} from "../support/scripted-server.js";
import { acceptTurn, turnCompleted, turnStarted } from "../support/scripted-server-messages.js";
import { errorOf } from "./error-of.js";

const timeoutMs = 500;

/** Lets the client write, and then blocks the process beyond its time-out, until the answer is there. */
async function holdUpAfter(server: ScriptedServer, method: string): Promise<void> {
  await new Promise(setImmediate);
  holdUp(timeoutMs + 300, () => hasRead(server, method) && isAtRest(server));
}

/**
 * Whether the server has written all that it has to write, or as much as the pipe holds. Its main thread
 * also sleeps while others of its threads collect garbage, so every thread of it has to.
 */
function isAtRest({ logFile }: ScriptedServer): boolean {
  if (process.platform !== "linux") return true;
  const [first = ""] = readFileSync(logFile, "utf8").split("\n");
  const { pid = 0 } = JSON.parse(first) as LogEntry;
  const threads = `/proc/${pid}/task`;
  return readdirSync(threads).every((id) => {
    return /\) S /.test(readFileSync(`${threads}/${id}/stat`, "utf8"));
  });
}

function hasRead({ logFile }: ScriptedServer, method: string): boolean {
  const lines = readFileSync(logFile, "utf8").split("\n").slice(0, -1);
  return lines.some((line) => (JSON.parse(line) as LogEntry).received?.method === method);
}

const note = (message: Json): Step => ({ notify: "warning", params: { threadId: null, message } });
/** The steps over and over; all that they send is made before the first byte goes out. */
const many = (times: number, ...steps: Step[]): Step => ({ together: [{ repeat: times, steps }] });
const kibibyte = { repeatText: "x", times: 1_024 };

describe("a request whose answer has come while the event loop was blocked is answered", () => {
  test.each<[string, Step[]]>([
    ["", []],
    ["behind far more than a pipe holds", [many(4_096, note(kibibyte))]],
    [
      "behind much that has to be dealt with one by one",
      [many(1_000, note("x"), { send: { id: 1_000_000, result: null } })],
    ],
    [
      "behind more than waits without pausing the input",
      [many(40, { ask: "currentTime/read", id: "{{index}}" }, ...Array<Step>(250).fill(note("x")))],
    ],
  ])("%s", async (_where, before) => {
    await using running = await startScripted({
      on: { "config/read": [...before, { respond: { config: {} } }] },
    });
    const { client, server } = running;
    const answer = client.request("config/read", {}, { timeoutMs });
    await holdUpAfter(server, "config/read");
    await expect(answer).resolves.toEqual({ config: {} });
  });

  test("and one that has not been answered is not", async () => {
    await using running = await startScripted({ on: { "config/read": [] } });
    const { client, server } = running;
    const error = errorOf(client.request("config/read", {}, { timeoutMs }));
    await holdUpAfter(server, "config/read");
    expect(await error).toMatchObject({ code: "REQUEST_TIMEOUT", timeoutMs });
  });
});

test("a server that never stops talking does not put off a time-out for ever", async () => {
  const flood: Step = { repeat: 1_000_000, steps: [many(64, note(kibibyte))] };
  await using running = await startScripted({ on: { "config/read": [flood] } });
  const { client } = running;
  const error = await errorOf(client.request("config/read", {}, { timeoutMs }));
  expect(error).toMatchObject({ code: "REQUEST_TIMEOUT" });
});

test("a turn that has ended while the event loop was blocked has ended in time", async () => {
  const talk = many(1_024, note(kibibyte));
  await using running = await startScripted({
    on: { "turn/start": [acceptTurn(), turnStarted(), talk, turnCompleted()] },
  });
  const { client, server } = running;
  const thread = await client.startThread();
  const ended = thread.run("Hi", { timeoutMs });
  await holdUpAfter(server, "turn/start");
  await expect(ended).resolves.toMatchObject({ status: "completed" });
});

test("a login that has ended while the event loop was blocked has ended in time", async () => {
  const login = { type: "chatgpt", loginId: "login-1", authUrl: "https://example.test" };
  const end = { loginId: "login-1", success: true, error: null };
  await using running = await startScripted({
    on: {
      "account/login/start": [{ respond: login }],
      "config/read": [{ respond: {} }, { notify: "account/login/completed", params: end }],
      "account/read": [{ respond: { account: null, requiresOpenaiAuth: false } }],
    },
  });
  const { client, server } = running;
  const attempt = await client.login.browser();
  const ended = attempt.wait({ timeoutMs });
  void client.request("config/read", {});
  await holdUpAfter(server, "config/read");
  await expect(ended).resolves.toBeUndefined();
});

test("a server that has answered the handshake while the event loop was blocked has started in time", async () => {
  await using server = await ScriptedServer.create({ start: [{ stderr: "up" }] });
  const startTimeoutMs = 3_000;
  let wasHeldUp = false;
  await using client = await AppServerClient.start({
    launch: server.launch,
    startTimeoutMs,
    onStderr: () => {
      wasHeldUp = true;
      holdUp(startTimeoutMs, () => hasRead(server, "initialize"));
    },
  });
  expect(client.serverInfo.platformOs).toBe("linux");
  expect(wasHeldUp).toBe(true);
});
