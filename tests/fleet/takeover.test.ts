import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { Redis } from "ioredis";
import { Codex, TurnUnknownError, type TurnJobFailedError } from "../../lib/index.js";
import {
  RedisFleetStore,
  TurnQueue,
  TurnWorker,
  type JobEvent,
  type TurnJob,
  type TurnWorkerOptions,
} from "../../lib/fleet/index.js";
import { reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";
import { RedisServer } from "../support/redis-server.js";

let redis: RedisServer;
let stage: RealStage;
let server: ListeningServer;
let store: RedisFleetStore;
let queue: TurnQueue;
let workers: TurnWorker[] = [];
let clients: Codex[] = [];
let troubles: unknown[] = [];
let lastName = 0;

beforeAll(async () => {
  redis = await RedisServer.start();
  stage = await RealStage.open();
  server = await ListeningServer.start(stage);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
  await redis[Symbol.asyncDispose]();
});

beforeEach(() => {
  troubles = [];
  lastName += 1;
  store = new RedisFleetStore({ redis: redis.url, prefix: `fleet-${lastName}` });
  queue = new TurnQueue({ ...shared(), onError });
});
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await queue.close();
  await Promise.all(clients.map((codex) => codex.close()));
  await store.close();
  workers = [];
  clients = [];
});

function shared() {
  return { store, connection: { host: "127.0.0.1", port: redis.port }, name: `turns-${lastName}` };
}

function onError(error: unknown): void {
  troubles.push(error);
}

/** A worker of its own connection to the server, as another process would be. */
async function startWorker(options: Partial<TurnWorkerOptions> = {}): Promise<TurnWorker> {
  const codex = new Codex({ url: server.url });
  clients.push(codex);
  const worker = new TurnWorker({
    ...shared(),
    host: "one",
    codexFor: () => codex,
    onError,
    ...options,
  });
  workers.push(worker);
  await worker.ready();
  return worker;
}

async function addTurn(): Promise<TurnJob> {
  return queue.add({ newThread: { cwd: stage.project }, input: `Go (${lastName})` });
}

/** Sees what a viewer of the job sees, each event once, however often it looks. */
function watch(job: TurnJob): Promise<JobEvent[]> {
  return collect(job.stream());
}

function requestsFor(job: number): number {
  return stage.model.requests.filter(({ lastUserText }) => lastUserText === `Go (${job})`).length;
}

test("a worker that closes gives its turn to another, which follows it to its end", async () => {
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  const first = await startWorker();
  const job = await addTurn();
  const seen = watch(job);
  await gate.reached;
  await first.close();
  expect((await job.state()).state).toBe("waiting");
  await startWorker();
  const threadId = await job.threadId();
  while ((await job.state()).state !== "active") await tick();
  gate.release();
  const result = await job.result();
  expect(result).toMatchObject({ threadId, status: "completed", finalResponse: "Hello" });
  const events = await seen;
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(textOf(events)).toBe("Hello");
  expect(events.filter(({ part }) => part.type === "start")).toHaveLength(1);
  expect(events.at(-1)?.part).toMatchObject({ type: "end", status: "completed" });
  expect(requestsFor(lastName)).toBe(1);
});

test("a turn that ends while no worker runs is reported as its server has stored it", async () => {
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  const first = await startWorker();
  const job = await addTurn();
  await gate.reached;
  const threadId = await job.threadId();
  await first.close();
  const codex = new Codex({ url: server.url });
  clients.push(codex);
  gate.release();
  for (;;) {
    const { data } = await codex.thread(threadId).turns();
    if (data[0]?.status === "completed") break;
    await tick();
  }
  await startWorker();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
  expect(textOf(await watch(job))).toBe("Hello");
  expect(requestsFor(lastName)).toBe(1);
});

test("a worker whose lock is lost leaves the turn to its successor, and writes no event any more", async () => {
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  const fast = { lockDuration: 2_000, stalledInterval: 500 };
  await startWorker(fast);
  const job = await addTurn();
  const seen = watch(job);
  await gate.reached;
  await job.threadId();
  const client = new Redis(redis.port);
  await startWorker(fast);
  const marked = await store.markOf(job.id);
  // As if the first worker had been stopped for longer than its lock lasts.
  await client.del(`bull:turns-${lastName}:${job.id}:lock`);
  await until(() => troubles.some((error) => String(error).includes("could not renew lock")));
  gate.release();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
  const events = await seen;
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(textOf(events)).toBe("Hello");
  expect(events.filter(({ part }) => part.type === "end")).toHaveLength(1);
  expect(await store.markOf(job.id)).toEqual(marked);
  expect(requestsFor(lastName)).toBe(1);
  while ((await job.state()).state !== "completed") await tick();
  client.disconnect();
});

test("a turn that is marked and that no server knows is unknown, and never sent", async () => {
  const job = await addTurn();
  const codex = new Codex({ url: server.url });
  clients.push(codex);
  stage.model.enqueue([reply.text("before")]);
  const thread = await codex.startThread({ cwd: stage.project });
  await thread.run("before");
  const messageId = `turn-${job.id}`;
  await store.mark(job.id, { holder: "a worker that died", threadId: thread.id, messageId });
  await startWorker();
  const error = await job.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TurnUnknownError);
  expect(requestsFor(lastName)).toBe(0);
  const events = await watch(job);
  expect(events.map(({ part }) => part)).toMatchObject([
    { type: "end", status: "lost", error: { code: "TURN_UNKNOWN" } },
  ]);
});

test("an approval is answered from anywhere, and survives its worker", async () => {
  const file = path.join(stage.project, `approved-${lastName}`);
  stage.model.enqueue([reply.shell(`touch ${file}`)], [reply.text("Touched.")]);
  const first = await startWorker();
  const job = await queue.add({
    newThread: { cwd: stage.project, approvalPolicy: "untrusted" },
    input: "Touch it",
  });
  const key = await requestOf(job);
  await first.close();
  // Nobody runs the turn: the answer waits for whoever does.
  const answered = queue.job(job.id).answer(key, "accept");
  await until(async () => (await store.commands(job.id, 0, now())).length > 0);
  expect(existsSync(file)).toBe(false);
  await startWorker();
  await answered;
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Touched." });
  expect(existsSync(file)).toBe(true);
  const parts = (await watch(job)).map(({ part }) => part);
  expect(parts.filter(({ type }) => type === "request")).toHaveLength(1);
  await expect(job.answer(key, "accept")).rejects.toMatchObject({
    code: "TURN_COMMAND_REFUSED",
    refusalCode: "REQUEST_NOT_PENDING",
  });
});

test("the first of two answers counts, and one to a request that nobody has seen is refused", async () => {
  const file = path.join(stage.project, `declined-${lastName}`);
  stage.model.enqueue([reply.shell(`touch ${file}`)], [reply.text("Not touched.")]);
  await startWorker();
  const job = await queue.add({
    newThread: { cwd: stage.project, approvalPolicy: "untrusted" },
    input: "Touch it",
  });
  const key = await requestOf(job);
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
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["One", gate])]);
  const second = reply.hold();
  stage.model.enqueue([reply.text(["Two", second])]);
  await startWorker();
  const job = await addTurn();
  await gate.reached;
  await job.steer("And this");
  gate.release();
  await second.reached;
  await job.interrupt();
  second.release();
  await expect(job.result()).resolves.toMatchObject({ status: "interrupted" });
  await expect(job.steer("too late")).rejects.toMatchObject({ refusalCode: "TURN_NOT_ACTIVE" });
  await job.interrupt();
  expect(stage.model.requests.at(-1)?.lastUserText).toBe("And this");
});

test("a turn that is stopped before its place in the line comes is never sent", async () => {
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await startWorker();
  const job = await addTurn();
  const thread = await job.threadId();
  const next = await queue.add({ thread, input: "Never" });
  while ((await next.state()).state !== "delayed") await tick();
  await next.interrupt();
  await expect(next.result()).resolves.toMatchObject({ id: "", status: "interrupted" });
  gate.release();
  await job.result();
  expect(stage.model.requests.some(({ lastUserText }) => lastUserText === "Never")).toBe(false);
});

test("a turn goes on while Redis is away, and is reported when it is back", async () => {
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await startWorker();
  const job = await addTurn();
  const seen = watch(job);
  const threadId = await job.threadId();
  await gate.reached;
  await redis.kill();
  gate.release();
  const codex = new Codex({ url: server.url });
  clients.push(codex);
  await until(async () => {
    const { data } = await codex.thread(threadId).turns();
    return data[0]?.status === "completed";
  });
  await redis.restart();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Hello" });
  expect(textOf(await seen)).toBe("Hello");
  expect(requestsFor(lastName)).toBe(1);
});

test("a turn whose server dies fails typed, with what is stored of it, and is not repeated", async () => {
  const gate = reply.hold();
  stage.model.enqueue([reply.text(["Hel", gate, "lo"])]);
  await startWorker();
  const job = await queue.add({
    newThread: { cwd: stage.project },
    input: `Go (${lastName})`,
    job: { attempts: 5 },
  });
  await job.threadId();
  await gate.reached;
  await server.restart();
  gate.release();
  const error = await job.result().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "TURN_JOB_FAILED", sent: true });
  expect(["TRANSPORT_CLOSED", "TURN_LOST"]).toContain((error as TurnJobFailedError).failureCode);
  const events = await watch(job);
  expect(events.at(-1)?.part).toMatchObject({ type: "end", status: "lost" });
  // The thread is not harmed.
  stage.model.enqueue([reply.text("Here again.")]);
  const next = await queue.add({ thread: await job.threadId(), input: "And now?" });
  await expect(next.result()).resolves.toMatchObject({ finalResponse: "Here again." });
  expect(requestsFor(lastName)).toBe(1);
});

async function requestOf(job: TurnJob): Promise<string> {
  for await (const { part } of job.stream()) {
    if (part.type === "request") return part.key;
  }
  throw new Error("nothing was asked");
}

function textOf(events: readonly JobEvent[]): string {
  return events.map(({ part }) => (part.type === "message-delta" ? part.delta : "")).join("");
}

function now() {
  return { waitMs: 0, signal: new AbortController().signal };
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await tick();
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
