import { expect, test } from "@jest/globals";
import { Deferred } from "../../lib/async/deferred.js";
import { fakeFleets, until } from "../support/fleet-stage.js";

const stage = fakeFleets();

test("neither priority nor place in BullMQ's queue changes the order of a thread's turns", async () => {
  await using fleet = stage();
  const order: string[] = [];
  fleet.server.addThread("thread").onTurn((turn) => {
    order.push(turn.text);
    turn.reply("done");
  });
  const add = (input: string, job: object) => fleet.queue.add({ thread: "thread", input, job });
  // BullMQ hands them out from the last to the first.
  const jobs = [
    await add("1", { priority: 10 }),
    await add("2", { priority: 1 }),
    await add("3", {}),
    await add("4", { lifo: true }),
  ];
  await fleet.worker();
  await Promise.all(jobs.map((job) => job.result()));
  expect(order).toEqual(["1", "2", "3", "4"]);
});

test("a job with a delay lets those behind it go first, until its time has come", async () => {
  await using fleet = stage();
  const order: string[] = [];
  fleet.server.addThread("thread").onTurn((turn) => {
    order.push(turn.text);
    turn.reply("done");
  });
  const later = await fleet.queue.add({
    thread: "thread",
    input: "later",
    job: { delay: 600_000 },
  });
  await fleet.worker();
  const now = await fleet.queue.add({ thread: "thread", input: "now" });
  await now.result();
  // As if its time had come.
  await later.interrupt();
  await later.result();
  expect(order).toEqual(["now"]);
});

test("a job that stands in line and was never added, or was removed, keeps nobody waiting for ever", async () => {
  await using fleet = stage();
  fleet.server.addThread("thread").onTurn("done");
  await fleet.store.joinLine("thread", "never added");
  await fleet.worker();
  const job = await fleet.queue.add({ thread: "thread", input: "hello" });
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
});

test("a job whose thread is used by somebody outside the fleet waits until it is free", async () => {
  await using fleet = stage();
  const gate = new Deferred<void>();
  fleet.server.addThread("thread").onTurn(async (turn) => {
    if (turn.text === "outside") await gate.promise;
    turn.reply("done");
  });
  const outside = fleet.client();
  const running = outside.thread("thread").run("outside");
  await fleet.server.nextRequest("turn/start");
  // The worker's own client sees that the thread is busy.
  await fleet.worker({ codexFor: () => outside });
  const job = await fleet.queue.add({ thread: "thread", input: "inside" });
  await until(async () => (await job.state()).state === "delayed");
  expect(await fleet.store.markOf(job.id)).toBeUndefined();
  gate.resolve();
  await running;
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
});
