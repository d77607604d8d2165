import { expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  TurnJobConflictError,
  TurnJobFailedError,
  TurnJobNotFoundError,
  TurnJobPendingError,
} from "../../lib/index.js";
import type { AddTurnJobOptions } from "../../lib/fleet/index.js";
import { fakeFleets } from "../support/fleet-stage.js";

const stage = fakeFleets();

test("a job begins a thread, runs its turn and gives its result and events", async () => {
  await using fleet = stage();
  fleet.server.onTurn((turn) => turn.reply(`You said ${turn.text}.`));
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: { cwd: "/repo" }, input: "hello", owner: "ada" });
  const result = await job.result();
  expect(result).toMatchObject({ status: "completed", finalResponse: "You said hello." });
  expect(await job.threadId()).toBe(result.threadId);
  const events = await collect(job.stream());
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(events.at(0)?.part).toMatchObject({ type: "start", turnId: result.id });
  expect(events.at(-1)?.part).toMatchObject({ type: "end", status: "completed" });
  expect(await fleet.store.streams.ownerOf(result.threadId)).toBe("ada");
  // From anywhere, also behind what was seen already.
  const rest = await collect(fleet.queue.job(job.id).stream({ after: events.length - 1 }));
  expect(rest).toEqual(events.slice(-1));
  expect(fleet.troubles).toEqual([]);
});

test("turns of a thread run in the order in which they were added, one at a time", async () => {
  await using fleet = stage();
  let running = 0;
  let most = 0;
  const order: string[] = [];
  fleet.server.onTurn(async (turn) => {
    running += 1;
    most = Math.max(most, running);
    order.push(turn.text);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    turn.reply("done");
  });
  await fleet.worker();
  await fleet.worker();
  const first = await fleet.queue.add({ newThread: {}, input: "0" });
  const thread = await first.threadId();
  const jobs = [];
  for (let each = 1; each <= 8; each += 1) {
    jobs.push(await fleet.queue.add({ thread, input: String(each) }));
  }
  await Promise.all(jobs.map((job) => job.result()));
  expect(order).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  expect(most).toBe(1);
});

test("turns of different threads run beside each other, as many as the worker has places", async () => {
  await using fleet = stage();
  let running = 0;
  let most = 0;
  const release: (() => void)[] = [];
  fleet.server.onTurn(async (turn) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => release.push(resolve));
    running -= 1;
    turn.reply("done");
  });
  const worker = await fleet.worker({ concurrency: 2 });
  const jobs = await Promise.all(
    ["a", "b", "c", "d"].map((input) => fleet.queue.add({ newThread: {}, input })),
  );
  let over = 0;
  const results = jobs.map((job) => job.result().then(() => (over += 1)));
  while (over < 4) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(worker.running).toBeLessThanOrEqual(2);
    if (running === 2 || over >= 3) release.shift()?.();
  }
  await Promise.all(results);
  expect(most).toBe(2);
});

test("the same idempotencyKey gives the same job, and refuses other content", async () => {
  await using fleet = stage();
  let turns = 0;
  fleet.server.onTurn((turn) => {
    turns += 1;
    turn.reply("done");
  });
  const given: AddTurnJobOptions = { newThread: {}, input: "once", idempotencyKey: "key 1" };
  const [one, other] = await Promise.all([fleet.queue.add(given), fleet.queue.add(given)]);
  await fleet.worker();
  expect(other.id).toBe(one.id);
  await one.result();
  expect((await fleet.queue.add(given)).id).toBe(one.id);
  await expect(fleet.queue.add({ ...given, input: "twice" })).rejects.toThrow(TurnJobConflictError);
  await (await fleet.queue.add({ newThread: {}, input: "last" })).result();
  expect(turns).toBe(2);
});

test("the failure of a turn comes over with its code, its words and its result", async () => {
  await using fleet = stage();
  fleet.server.onTurn((turn) => {
    turn.reply("half");
    throw new Error("the model is gone");
  });
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const error = await job.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TurnJobFailedError);
  expect(error).toMatchObject({
    code: "TURN_JOB_FAILED",
    failureCode: "TURN_FAILED",
    message: "The turn failed: the model is gone",
    result: { status: "failed", error: { message: "the model is gone" } },
  });
  expect((await job.state()).state).toBe("failed");
});

test("a turn that was refused before it began is tried again as often as BullMQ was told to", async () => {
  await using fleet = stage();
  let starts = 0;
  fleet.server.onTurn("done");
  const codex = fleet.client();
  await fleet.worker({
    codexFor: () => {
      starts += 1;
      if (starts < 3) throw new Error("no server yet");
      return codex;
    },
  });
  const again = { attempts: 3, backoff: 10 };
  const job = await fleet.queue.add({ newThread: {}, input: "hello", job: again });
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
  expect(starts).toBe(3);
  starts = -10;
  const failing = await fleet.queue.add({ newThread: {}, input: "hello" });
  await expect(failing.result()).rejects.toMatchObject({ failureCode: "Error", sent: false });
  const events = await collect(failing.stream());
  expect(events.map(({ part }) => part.type)).toEqual(["end"]);
});

test("what cannot travel to another machine is refused before anything is sent", async () => {
  await using fleet = stage();
  const onApproval = () => "decline" as const;
  const circular: Record<string, unknown> = { type: "object" };
  circular["properties"] = circular;
  const wrong: [AddTurnJobOptions, string][] = [
    [{ thread: "a", input: "x", options: { outputSchema: circular } }, "options"],
    [{ input: "x" }, "thread"],
    [{ thread: "a", newThread: {}, input: "x" }, "thread"],
    [{ thread: "a", input: "x", options: { onApproval } as never }, "options.onApproval"],
    [{ newThread: { tools: [] } as never, input: "x" }, "newThread.tools"],
    [{ newThread: { ephemeral: true } as never, input: "x" }, "newThread.ephemeral"],
    [
      { thread: "a", input: "x", options: { signal: AbortSignal.abort() } as never },
      "options.signal",
    ],
    [{ thread: "a", input: "x", options: { whenBusy: "steer" } as never }, "options.whenBusy"],
    [{ thread: "a", input: "x", options: { budget: { tokens: 9 } } as never }, "options.budget"],
    [{ newThread: { budget: { tokens: 9 } } as never, input: "x" }, "newThread.budget"],
    [{ thread: "a", input: "x", job: { jobId: "mine" } as never }, "jobId"],
    [
      {
        thread: "a",
        input: [{ type: "image", data: new Uint8Array(3), mediaType: "image/png" }],
      },
      "input[0].data",
    ],
  ];
  for (const [given, argument] of wrong) {
    const error = await fleet.queue.add(given).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument });
  }
});

test("a job that is not there is said to be not there, and one that takes long can be left", async () => {
  await using fleet = stage();
  await expect(fleet.queue.job("nobody").result()).rejects.toThrow(TurnJobNotFoundError);
  await expect(fleet.queue.job("nobody").interrupt()).rejects.toThrow(TurnJobNotFoundError);
  const job = await fleet.queue.add({ newThread: {}, input: "nobody takes it" });
  await expect(job.result({ timeoutMs: 50 })).rejects.toThrow(TurnJobPendingError);
  const reason = new Error("enough");
  await expect(job.result({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await job.state()).toMatchObject({ state: "waiting", host: undefined });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
