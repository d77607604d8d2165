import { expect, test } from "@jest/globals";
import { reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { fleetOptions } from "../support/fleet-database.js";
import { FleetStage, until } from "../support/fleet-stage.js";
import { RealStage } from "../support/real.js";
import { RedisServer } from "../support/redis-server.js";

test("a job that another host's worker has taken goes to the host that has the thread, and runs once, there", async () => {
  await using redis = await RedisServer.start();
  await using one = await RealStage.open();
  await using two = await RealStage.open();
  await using first = await ListeningServer.start(one);
  await using second = await ListeningServer.start(two);
  await using fleet = new FleetStage(first, fleetOptions(redis));
  const client = fleet.client();
  one.model.enqueue([reply.text("before")]);
  const thread = await client.startThread({ cwd: one.project });
  await thread.run("before");
  // Added while nobody knows where the thread lies: so the job is in the common queue.
  const job = await fleet.queue.add({
    thread: thread.id,
    input: "Where?",
    job: { attempts: 2, priority: 3 },
  });
  expect(await fleet.store.noteOf(job.id, "place")).toMatchObject({ queue: "turns" });
  await fleet.store.settleThread(thread.id, "one");
  const other = await fleet.worker({ host: "two" }, second);
  await until(async () => {
    const place = (await fleet.store.noteOf(job.id, "place")) as { readonly queue: string };
    return place.queue === "turns@one";
  });
  // Nobody of its host is there yet.
  expect(await job.state()).toMatchObject({ host: "one", isHostAlive: false });
  expect(two.model.requests).toEqual([]);
  await until(() => other.running === 0);
  one.model.enqueue([reply.text("Here.")]);
  await fleet.worker();
  await expect(job.result()).resolves.toMatchObject({
    threadId: thread.id,
    finalResponse: "Here.",
  });
  await until(async () => (await job.state()).state === "completed");
  expect(one.model.requests.filter(({ lastUserText }) => lastUserText === "Where?")).toHaveLength(
    1,
  );
  expect(two.model.requests).toEqual([]);
  expect(fleet.troubles).toEqual([]);
  // The next one goes there at once.
  one.model.enqueue([reply.text("Here again.")]);
  const next = await fleet.queue.add({ thread: thread.id, input: "And now?" });
  expect(await fleet.store.noteOf(next.id, "place")).toMatchObject({ queue: "turns@one" });
  await expect(next.result()).resolves.toMatchObject({ finalResponse: "Here again." });
});
