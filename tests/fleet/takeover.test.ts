import { expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { TurnUnknownError, type TurnJobFailedError } from "../../lib/index.js";
import type { JobEvent } from "../../lib/fleet/index.js";
import { reply } from "../../lib/testing/index.js";
import { fleetOptions } from "../support/fleet-database.js";
import { eventsOf, FleetStage, requestOf, sharedServer, until } from "../support/fleet-stage.js";
import { RedisServer } from "../support/redis-server.js";

const shared = sharedServer();
// Within the sandbox: a command that is approved runs there first, and a slow server takes a refusal of it for the answer.
const careful = { approvalPolicy: "untrusted", sandbox: "workspace-write" } as const;

let lastTest = 0;
/** What the turn of each test says, so that the model tells them apart. */
function nextInput(): string {
  lastTest += 1;
  return `Go (${lastTest})`;
}

function requestsFor(input: string): number {
  return shared.stage.model.requests.filter(({ lastUserText }) => lastUserText === input).length;
}

test("a worker that closes gives its turn to another, which follows it to its end", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  const first = await fleet.worker();
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  const seen = eventsOf(job);
  await gate.reached;
  await first.close();
  expect((await job.state()).state).toBe("waiting");
  await fleet.worker();
  const threadId = await job.threadId();
  await until(async () => (await job.state()).state === "active");
  gate.release();
  const result = await job.result();
  expect(result).toMatchObject({ threadId, status: "completed", finalResponse: "Hello" });
  const events = await seen;
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(textOf(events)).toBe("Hello");
  expect(events.filter(({ part }) => part.type === "start")).toHaveLength(1);
  expect(events.at(-1)?.part).toMatchObject({ type: "end", status: "completed" });
  expect(requestsFor(input)).toBe(1);
});

test("a turn that ends while no worker runs is reported as its server has stored it", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  const first = await fleet.worker();
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  await gate.reached;
  const threadId = await job.threadId();
  await first.close();
  const codex = fleet.client();
  gate.release();
  await until(async () => {
    const { data } = await codex.thread(threadId).turns();
    return data[0]?.status === "completed";
  });
  await fleet.worker();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
  expect(textOf(await eventsOf(job))).toBe("Hello");
  expect(requestsFor(input)).toBe(1);
});

test("a worker whose lock is lost leaves the turn to its successor, and writes no event any more", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  const fast = { lockDuration: 2_000, stalledInterval: 500 };
  await fleet.worker(fast);
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  const seen = eventsOf(job);
  await gate.reached;
  await job.threadId();
  const client = new Redis(redis.port);
  await fleet.worker(fast);
  const marked = await fleet.store.markOf(job.id);
  // As if the first worker had been stopped for longer than its lock lasts.
  await client.del(`bull-fleet:turns:${job.id}:lock`);
  await until(() => fleet.troubles.join().includes("could not renew lock"));
  gate.release();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
  const events = await seen;
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(textOf(events)).toBe("Hello");
  expect(events.filter(({ part }) => part.type === "end")).toHaveLength(1);
  expect(await fleet.store.markOf(job.id)).toEqual(marked);
  expect(requestsFor(input)).toBe(1);
  await until(async () => (await job.state()).state === "completed");
  client.disconnect();
});

test("a turn that is marked and that no server knows is unknown, and never sent", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  const codex = fleet.client();
  shared.stage.model.enqueue([reply.text("before")]);
  const thread = await codex.startThread({ cwd: shared.stage.project });
  await thread.run("before");
  const messageId = `turn-${job.id}`;
  await fleet.store.mark(job.id, { holder: "a worker that died", threadId: thread.id, messageId });
  await fleet.worker();
  const error = await job.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TurnUnknownError);
  expect(requestsFor(input)).toBe(0);
  const events = await eventsOf(job);
  expect(events.map(({ part }) => part)).toMatchObject([
    { type: "end", status: "lost", error: { code: "TURN_UNKNOWN" } },
  ]);
});

test("an approval is answered from anywhere, and survives its worker", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const file = path.join(shared.stage.project, "approved");
  shared.stage.model.enqueue([reply.shell(`touch ${file}`)], [reply.text("Touched.")]);
  const first = await fleet.worker();
  const job = await fleet.queue.add({
    newThread: { cwd: shared.stage.project, ...careful },
    input: "Touch it",
  });
  const key = await requestOf(job, "command");
  await first.close();
  // Nobody runs the turn: the answer waits for whoever does.
  const answered = fleet.queue.job(job.id).answer(key, "accept");
  await until(async () => (await fleet.store.commands(job.id, 0, now())).length > 0);
  expect(existsSync(file)).toBe(false);
  await fleet.worker();
  await answered;
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Touched." });
  expect(existsSync(file)).toBe(true);
  const parts = (await eventsOf(job)).map(({ part }) => part);
  expect(parts.filter(({ type }) => type === "request")).toHaveLength(1);
  await expect(job.answer(key, "accept")).rejects.toMatchObject({
    code: "TURN_COMMAND_REFUSED",
    refusalCode: "REQUEST_NOT_PENDING",
  });
});

test("the first of two answers counts, and one to a request that nobody has seen is refused", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const file = path.join(shared.stage.project, "declined");
  shared.stage.model.enqueue([reply.shell(`touch ${file}`)], [reply.text("Not touched.")]);
  await fleet.worker();
  const job = await fleet.queue.add({
    newThread: { cwd: shared.stage.project, ...careful },
    input: "Touch it",
  });
  const key = await requestOf(job, "command");
  await expect(job.answer("no such key", "accept")).rejects.toMatchObject({
    refusalCode: "REQUEST_NOT_PENDING",
  });
  await job.answer(key, "decline");
  await expect(job.answer(key, "accept")).rejects.toMatchObject({
    refusalCode: "REQUEST_NOT_PENDING",
  });
  await job.result();
  expect(existsSync(file)).toBe(false);
});

test("a turn is steered and stopped from anywhere", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["One", gate])]);
  const second = reply.hold();
  shared.stage.model.enqueue([reply.text(["Two", second])]);
  await fleet.worker();
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  await gate.reached;
  await job.steer("And this");
  gate.release();
  await second.reached;
  await job.interrupt();
  second.release();
  await expect(job.result()).resolves.toMatchObject({ status: "interrupted" });
  await expect(job.steer("too late")).rejects.toMatchObject({ refusalCode: "TURN_NOT_ACTIVE" });
  await job.interrupt();
  expect(shared.stage.model.requests.at(-1)?.lastUserText).toBe("And this");
});

test("a turn that is stopped before its place in the line comes is never sent", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await fleet.worker();
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  const thread = await job.threadId();
  const next = await fleet.queue.add({ thread, input: "Never" });
  await until(async () => (await next.state()).state === "delayed");
  await next.interrupt();
  await expect(next.result()).resolves.toMatchObject({ id: "", status: "interrupted" });
  gate.release();
  await job.result();
  expect(shared.stage.model.requests.some(({ lastUserText }) => lastUserText === "Never")).toBe(
    false,
  );
});

test("a turn goes on while Redis is away, and is reported when it is back", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await fleet.worker();
  const input = nextInput();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input });
  const seen = eventsOf(job);
  const threadId = await job.threadId();
  await gate.reached;
  await redis.kill();
  gate.release();
  const codex = fleet.client();
  await until(async () => {
    const { data } = await codex.thread(threadId).turns();
    return data[0]?.status === "completed";
  });
  await redis.restart();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
  expect(textOf(await seen)).toBe("Hello");
  expect(requestsFor(input)).toBe(1);
});

test("a turn whose server dies fails typed, with what is stored of it, and is not repeated", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const gate = reply.hold();
  shared.stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await fleet.worker();
  const input = nextInput();
  const job = await fleet.queue.add({
    newThread: { cwd: shared.stage.project },
    input,
    job: { attempts: 5 },
  });
  await job.threadId();
  await gate.reached;
  await shared.server.restart();
  gate.release();
  const error = await job.result().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "TURN_JOB_FAILED", sent: true });
  expect(["TRANSPORT_CLOSED", "TURN_LOST"]).toContain((error as TurnJobFailedError).failureCode);
  const events = await eventsOf(job);
  expect(events.at(-1)?.part).toMatchObject({ type: "end", status: "lost" });
  // The thread is not harmed.
  shared.stage.model.enqueue([reply.text("Here again.")]);
  const next = await fleet.queue.add({ thread: await job.threadId(), input: "And now?" });
  await expect(next.result()).resolves.toMatchObject({ finalResponse: "Here again." });
  expect(requestsFor(input)).toBe(1);
});

function textOf(events: readonly JobEvent[]): string {
  return events.map(({ part }) => (part.type === "message-delta" ? part.delta : "")).join("");
}

function now() {
  return { waitMs: 0, signal: new AbortController().signal };
}
