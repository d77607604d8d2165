import { expect, test } from "@jest/globals";
import { DirectoryRolloutStore } from "../../lib/fleet/index.js";
import { reply } from "../../lib/testing/index.js";
import { fleetOptions } from "../support/fleet-database.js";
import { FleetStage, until } from "../support/fleet-stage.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";
import { RedisServer } from "../support/redis-server.js";
import { makeTempDir } from "../support/temp-dir.js";

test("a thread whose host has no worker any more moves to another host, and goes on there", async () => {
  await using redis = await RedisServer.start();
  const unload = { config: { thread_unload_delay_secs: 0 } };
  await using one = await RealStage.open(unload);
  await using two = await RealStage.open(unload);
  await using first = await ListeningServer.start(one);
  await using second = await ListeningServer.start(two);
  const folder = await makeTempDir("rollouts-");
  const rollouts = new DirectoryRolloutStore({ directory: folder.path });
  await using fleet = new FleetStage(first, fleetOptions(redis));
  const moving = { rollouts, hostAliveMs: 2_000 };
  one.model.enqueue([reply.text("The word is plum.")]);
  const worker = await fleet.worker({ ...moving, host: "one" });
  const begun = await fleet.queue.add({ newThread: { cwd: one.project }, input: "Say a word" });
  const { threadId } = await begun.result();
  await until(async () => (await begun.state()).state === "completed");
  await worker.close();
  await fleet.worker({ ...moving, host: "two" }, second);
  two.model.enqueue([reply.text("It was plum.")]);
  const next = await fleet.queue.add({ thread: threadId, input: "Which word was it?" });
  const result = await next.result();
  expect(result).toMatchObject({ threadId, finalResponse: "It was plum." });
  expect(await fleet.store.hostOf(threadId)).toBe("two");
  // The model was shown what was said on the other host.
  expect(JSON.stringify(two.model.requests.at(-1)?.input)).toContain("The word is plum.");
  expect(fleet.troubles).toEqual([]);
  await folder.remove();
});
