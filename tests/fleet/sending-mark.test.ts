import { expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { ResponseError } from "vscode-jsonrpc";
import { Deferred } from "../../lib/async/deferred.js";
import type { SendingMark } from "../../lib/fleet/index.js";
import { fakeFleets } from "../support/fleet-stage.js";

const stage = fakeFleets();

test("a turn is sent under the name that its mark says", async () => {
  await using fleet = stage();
  fleet.server.onTurn("done");
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const { threadId } = await job.result();
  const { messageId } = (await fleet.store.markOf(job.id)) ?? {};
  expect(fleet.server.paramsOf("turn/start")).toMatchObject([
    { threadId, clientUserMessageId: messageId },
  ]);
});

test("a turn that its server refuses to begin is marked no more, and the next attempt sends it", async () => {
  await using fleet = stage();
  let starts = 0;
  fleet.server.onTurn("done").onRequest("turn/start", (_, { passthrough }) => {
    starts += 1;
    if (starts === 1) throw new ResponseError(-32_600, "not now");
    return passthrough();
  });
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello", job: { attempts: 2 } });
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
  expect(starts).toBe(2);
});

test("a turn that cannot be marked is not sent", async () => {
  await using fleet = stage();
  const mark = fleet.store.mark.bind(fleet.store);
  let failures = 0;
  fleet.store.mark = async (jobId, given) => {
    if (failures > 0) return mark(jobId, given);
    failures += 1;
    throw new Error("away");
  };
  fleet.server.onTurn("done");
  await fleet.worker();
  const job = await fleet.queue.add({
    newThread: {},
    input: "hello",
    job: { attempts: 2 },
  });
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
  expect(failures).toBe(1);
  expect(fleet.server.paramsOf("turn/start")).toHaveLength(1);
});

test("whoever finds that another one has just marked the turn does not send it", async () => {
  await using fleet = stage();
  const mark = fleet.store.mark.bind(fleet.store);
  fleet.store.mark = (jobId, given): Promise<SendingMark> =>
    // In the moment between the last look and the own mark.
    mark(jobId, { ...given, holder: "another" }).then(() => mark(jobId, given));
  fleet.server.onTurn("done");
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  await expect(job.result()).rejects.toMatchObject({ code: "TURN_UNKNOWN" });
  expect(fleet.server.paramsOf("turn/start")).toEqual([]);
});

test("input that another worker may have sent is not sent again", async () => {
  await using fleet = stage();
  const gate = new Deferred<void>();
  fleet.server.onTurn(async (turn) => {
    await gate.promise;
    turn.reply("done");
  });
  await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const threadId = await job.threadId();
  // As a worker does that dies before it has told what became of it.
  const id = `${job.id}/steer-1`;
  await fleet.store.mark(id, { holder: "a worker that died", threadId, messageId: id });
  await expect(job.steer("more")).rejects.toMatchObject({ refusalCode: "TURN_UNKNOWN" });
  expect(fleet.server.paramsOf("turn/steer")).toEqual([]);
  gate.resolve();
  await job.result();
});

test("a worker that has lost its lock when the turn is marked does not send it, and leaves it to the next attempt", async () => {
  await using fleet = stage();
  const { connection, bullmq } = fleet.place as {
    readonly connection: { readonly port: number };
    readonly bullmq: { readonly prefix: string };
  };
  const redis = new Redis(connection);
  const mark = fleet.store.mark.bind(fleet.store);
  let marks = 0;
  fleet.store.mark = async (jobId, given) => {
    marks += 1;
    const counting = await mark(jobId, given);
    if (marks === 1) await redis.del(`${bullmq.prefix}:turns:${jobId}:lock`);
    return counting;
  };
  fleet.server.onTurn("done");
  await fleet.worker({ lockDuration: 2_000, stalledInterval: 200 });
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
  expect(marks).toBe(2);
  expect(fleet.server.paramsOf("turn/start")).toHaveLength(1);
  redis.disconnect();
});
