import { readFileSync } from "node:fs";
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

/** Lets the client write, and then blocks the process beyond its time-out. */
async function holdUpAfter(server: ScriptedServer, method: string): Promise<void> {
  await new Promise(setImmediate);
  holdUp(timeoutMs + 300, () => hasRead(server, method));
}

function hasRead({ logFile }: ScriptedServer, method: string): boolean {
  const lines = readFileSync(logFile, "utf8").split("\n").slice(0, -1);
  return lines.some((line) => (JSON.parse(line) as LogEntry).received?.method === method);
}

const note = (message: Json): Step => ({ notify: "warning", params: { threadId: null, message } });
const kibibyte = { repeatText: "x", times: 1_024 };

describe("a request whose answer has come while the event loop was blocked is answered", () => {
  test.each<[string, Step[]]>([
    ["", []],
    ["behind far more than a pipe holds", [{ repeat: 4_096, steps: [note(kibibyte)] }]],
    [
      "behind much that has to be dealt with one by one",
      [
        {
          repeat: 1_000,
          steps: [note("x"), { send: { id: 1_000_000, result: null } }],
        },
      ],
    ],
    [
      "behind more than waits without pausing the input",
      [
        {
          repeat: 60,
          steps: [
            { ask: "currentTime/read", id: "{{index}}" },
            { repeat: 300, steps: [note("x")] },
          ],
        },
      ],
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
  const flood: Step = { repeat: 1_000_000, steps: [{ together: Array(64).fill(note(kibibyte)) }] };
  await using running = await startScripted({ on: { "config/read": [flood] } });
  const { client } = running;
  const error = await errorOf(client.request("config/read", {}, { timeoutMs }));
  expect(error).toMatchObject({ code: "REQUEST_TIMEOUT" });
});

test("a turn that has ended while the event loop was blocked has ended in time", async () => {
  const talk: Step = { repeat: 1_024, steps: [note(kibibyte)] };
  await using running = await startScripted({
    on: { "turn/start": [acceptTurn(), turnStarted(), talk, turnCompleted()] },
  });
  const { client, server } = running;
  const thread = await client.startThread();
  const ended = thread.run("Hi", { timeoutMs });
  await holdUpAfter(server, "turn/start");
  await expect(ended).resolves.toMatchObject({ status: "completed" });
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
