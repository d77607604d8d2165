import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  ThreadNotFoundError,
  TransportClosedError,
  type AppServerClient,
  type Codex,
  type Thread,
  type TurnEvent,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { recordingLogger } from "../contract/recording-logger.js";
import { heard, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let client: AppServerClient;
let thread: Thread;

beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  client = await codex.client();
  thread = await codex.startThread();
  model.enqueueFor(thread.id, reply.text("First."));
  await thread.run("Hi");
});
afterEach(() => stage.close());

/** Starts a turn that hangs after its first words, and waits until they are there. */
async function hangingTurn(options?: Parameters<Thread["turn"]>[1]) {
  const gate = reply.hold();
  model.enqueueFor(thread.id, [reply.unfinishedText(["Half ", gate])]);
  const said = heard(await codex.client(), thread);
  const turn = thread.turn("Talk", options);
  await Promise.all([gate.reached, said]);
  return turn;
}

async function killServer(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  const [pid] = await stage.processes();
  if (pid === undefined) throw new Error("there is no server");
  process.kill(pid, signal);
}

function expectKilled(error: unknown): void {
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(error).toMatchObject({ signal: "SIGKILL", exitCode: null });
}

test("when the server is killed, everything that waits for it learns so, each with an error of its own", async () => {
  const { signal } = new AbortController();
  const turn = await hangingTurn({ signal });
  const queued = thread.turn("Queued", { signal });
  const events: TurnEvent[] = [];
  const iterating = (async () => {
    for await (const event of turn) events.push(event);
  })();
  const notifications = client.notifications();
  const following = (async () => {
    for await (const { method } of notifications) expect(method).not.toBe("turn/completed");
  })();
  const request = client.request("command/exec", {
    command: ["sh", "-c", "read line"],
    processId: "hanging",
    streamStdin: true,
    sandboxPolicy: { type: "dangerFullAccess" },
  });
  const outcomes = Promise.all([
    rejection(turn.run()),
    rejection(turn.run()),
    rejection(iterating),
    rejection(following),
    rejection(request),
    rejection(queued.run()),
  ]);
  await killServer();

  const errors = await outcomes;
  for (const error of errors) expectKilled(error);
  expect(new Set(errors).size).toBe(errors.length);
  expect(events.at(-1)?.method).toBe("item/agentMessage/delta");
  expect(await client.closed).toMatchObject({ kind: "exited", signal: "SIGKILL" });
  expectKilled(client.signal.reason);
  expectKilled(await rejection(client.request("thread/loaded/list", {})));
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("after the server was killed the next call starts another, and the lost turn is stored", async () => {
  const turn = await hangingTurn();
  await killServer();
  try {
    for await (const { method } of turn) expect(method).not.toBe("turn/completed");
  } catch (error) {
    expectKilled(error);
    // In the very moment in which the loss becomes known.
    model.enqueueFor(thread.id, reply.text("Alive."));
    await expect(thread.run("Again")).resolves.toMatchObject({ finalResponse: "Alive." });
  }
  expect(await stage.processes()).toHaveLength(1);
  expect(await codex.client()).not.toBe(client);
  const turns = await thread.turns({ sortDirection: "asc" }).all();
  expect(turns.map(({ status }) => status)).toEqual(["completed", "interrupted", "completed"]);
  expect(turns[1]?.id).toBe(turn.id);
});

test("a thread that was lost before its first turn is gone, and its next turn says why", async () => {
  const fresh = await codex.startThread();
  await killServer();
  await client.closed;
  const error = await rejection(fresh.run("Hi"));
  expect(error).toBeInstanceOf(ThreadNotFoundError);
  expect(error.message).toContain("no stored history before its first turn");
});

test("calls that come together after a loss share one new server", async () => {
  await killServer();
  await client.closed;
  const other = codex.startThread();
  const [one, two, started] = await Promise.all([thread.run("One"), thread.run("Two"), other]);
  expect([one.status, two.status]).toEqual(["completed", "completed"]);
  await expect(started.run("Hi")).resolves.toMatchObject({ status: "completed" });
  expect(await stage.processes()).toHaveLength(1);
});

test("a server that ends by itself is a loss too, though its exit code is 0", async () => {
  const turn = await hangingTurn();
  const outcome = rejection(turn.run());
  await killServer("SIGTERM");
  const error = await outcome;
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(error).toMatchObject({ exitCode: 0, signal: null });
  expect(error.message).toContain("ended with code 0");
});

test("closing during a turn rejects what waits, and leaves no process", async () => {
  const { signal } = new AbortController();
  const turn = await hangingTurn({ signal });
  const outcomes = Promise.all([
    rejection(turn.run()),
    rejection(thread.run("Queued", { signal })),
    rejection(
      (async () => {
        for await (const { method } of turn) expect(method).not.toBe("turn/completed");
      })(),
    ),
  ]);
  await Promise.all([codex.close(), codex.close()]);
  expect(await stage.processes()).toEqual([]);
  for (const error of await outcomes) {
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error.message).toContain("The connection is closed");
  }
  expect(await client.closed).toMatchObject({ kind: "closed" });
  expect(await rejection(thread.run("Too late"))).toBeInstanceOf(TransportClosedError);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("breaking out of a turn whose server dies meanwhile does not hang", async () => {
  const turn = await hangingTurn();
  for await (const { method } of turn) {
    if (method !== "item/agentMessage/delta") continue;
    await killServer();
    break;
  }
  expectKilled(await rejection(turn.run()));
  await turn.interrupt();
});

test("status() shows each loss and each new start, and threads in use are resumed", async () => {
  const seen: string[] = [];
  const following = (async () => {
    for await (const status of codex.status()) {
      seen.push(status.state);
      if (status.state === "lost") expectKilled(status.error);
    }
  })();
  for (const word of ["One", "Two"]) {
    const { closed } = await codex.client();
    await killServer();
    await closed;
    model.enqueueFor(thread.id, reply.text(word));
    await expect(thread.run("Go on")).resolves.toMatchObject({ finalResponse: word });
  }
  await codex.close();
  await following;
  const again = ["lost", "starting", "ready"];
  expect(seen).toEqual(["ready", ...again, ...again, "closed"]);
});

test("restart: false leaves a lost server lost", async () => {
  const before = await stage.processes();
  const once = stage.codex({ restart: false });
  const { closed } = await once.client();
  const pid = (await stage.processes()).find((each) => !before.includes(each));
  if (pid === undefined) throw new Error("there is no second server");
  process.kill(pid, "SIGKILL");
  await closed;
  expectKilled(await rejection(once.startThread()));
  expectKilled(await rejection(once.client()));
  await once.close();
});

test("an idle server that is killed is logged, and replaced without a call when that is wanted", async () => {
  const others = await stage.processes();
  const logger = recordingLogger();
  const eager = stage.codex({ restart: { eager: true }, logger });
  await eager.ready();
  const [pid = 0] = (await stage.processes()).filter((each) => !others.includes(each));
  process.kill(pid, "SIGKILL");
  const seen: string[] = [];
  for await (const { state } of eager.status()) {
    seen.push(state);
    if (seen.includes("lost") && state === "ready") break;
  }
  expect(seen).toEqual(["ready", "lost", "starting", "ready"]);
  expect(logger.lines).toContain("warn: The app-server process ended by SIGKILL.");
  const [replacement = 0] = (await stage.processes()).filter((each) => !others.includes(each));
  expect(replacement).not.toBe(pid);
  expect(eager.currentStatus.state).toBe("ready");
});
