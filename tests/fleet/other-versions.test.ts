import { expect, test } from "@jest/globals";
import { Queue } from "bullmq";
import { Deferred } from "../../lib/async/deferred.js";
import { eventsOf, fakeFleets, until } from "../support/fleet-stage.js";

const stage = fakeFleets();

test("a job that this version cannot read is left to other workers, and said to be there", async () => {
  await using fleet = stage();
  fleet.server.onTurn("done");
  const { connection = {}, bullmq } = fleet.place;
  await using raw = new ClosingQueue("turns", { ...bullmq, connection });
  await raw.add("turn", { version: 2, thread: { id: "thread" } }, { jobId: "newer" });
  await raw.add("mail", undefined, { jobId: "foreign" });
  await fleet.worker();
  for (const id of ["newer", "foreign"]) {
    await until(async () => (await raw.getJobState(id)) === "delayed");
    expect(fleet.troubles.join("\n")).toContain(`The job ${id} `);
  }
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
  expect(fleet.server.paramsOf("turn/start")).toHaveLength(1);
});

test("a turn is taken over, and shown, whose stream has parts that nobody here can read", async () => {
  await using fleet = stage();
  const gate = new Deferred<void>();
  fleet.server.onTurn(async (turn) => {
    turn.commentary("Hello");
    await gate.promise;
    turn.reply("done");
  });
  const first = await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  for await (const { part } of job.stream()) if (part.type === "message-end") break;
  await first.close();
  const { streams } = fleet.store;
  const last = (await streams.find(job.id))?.last ?? 0;
  const odd = ["{", "null", "[]", "5", '{"type":"of a newer version","of":{}}'];
  const writer = fleet.store.streamsAs("another version");
  await writer.create(job.id, { owner: "a", threadId: "t" }, { retainMs: 1, maxBytes: 1 });
  await writer.append(
    job.id,
    odd.map((data, index) => ({ seq: last + index + 1, type: "odd", data })),
  );
  await fleet.worker();
  gate.resolve();
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "done" });
  const events = await eventsOf(job);
  // Of all these only the last is a part, if one of a kind that is not known here.
  const seqs = events.map(({ seq }) => seq);
  expect(seqs.filter((seq) => seq > last && seq <= last + odd.length)).toEqual([last + odd.length]);
  expect(events.at(-1)?.part).toMatchObject({ type: "end", status: "completed" });
});

class ClosingQueue extends Queue implements AsyncDisposable {
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
