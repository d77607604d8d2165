import { expect, test } from "@jest/globals";
import { TurnJobNotFoundError } from "../../lib/index.js";
import { eventsOf, fakeFleets, until } from "../support/fleet-stage.js";

const stage = fakeFleets();

test.each(["a new thread", "a thread that is there"])(
  "the events of a turn on %s stay within their bytes, and the rest is a gap",
  async (which) => {
    await using fleet = stage({ maxBytesPerTurn: 20_000 });
    fleet.server.addThread("thread").onTurn((turn) => {
      for (let line = 0; line < 100; line += 1) turn.command("ls", { output: "x".repeat(1_000) });
      turn.reply("done");
    });
    await fleet.worker();
    const where = which === "a new thread" ? { newThread: {} } : { thread: "thread" };
    const job = await fleet.queue.add({ ...where, input: "hello" });
    await job.result();
    const events = await eventsOf(job);
    expect(JSON.stringify(events).length).toBeLessThan(60_000);
    expect(events.some(({ part }) => part.type === "gap")).toBe(true);
    expect(events.at(-1)?.part.type).toBe("end");
  },
);

test("events that are not kept any more are said to be gone, and the result is BullMQ's", async () => {
  await using fleet = stage();
  fleet.server.onTurn("done");
  await fleet.worker({ retainMs: 1 });
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const result = await job.result();
  await until(async () => (await job.state()).state === "completed");
  await until(async () => (await fleet.store.noteOf(job.id, "outcome")) === undefined);
  await until(async () => (await fleet.store.streams.find(job.id)) === undefined);
  await expect(eventsOf(job)).rejects.toThrow(TurnJobNotFoundError);
  expect(await job.result()).toEqual(result);
});
