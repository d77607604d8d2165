import { expect, test } from "@jest/globals";
import { Codex } from "../../lib/index.js";
import {
  DirectoryRolloutStore,
  RedisFleetStore,
  TurnQueue,
  TurnWorker,
} from "../../lib/fleet/index.js";
import { reply } from "../../lib/testing/index.js";
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
  const store = new RedisFleetStore({ redis: redis.url });
  const connection = { host: "127.0.0.1", port: redis.port };
  const troubles: string[] = [];
  const onError = (error: unknown): void => {
    troubles.push(String(error));
  };
  const rollouts = new DirectoryRolloutStore({ directory: folder.path });
  const queue = new TurnQueue({ store, connection, onError });
  const workerOf = (host: string, { url }: ListeningServer) => {
    const codex = new Codex({ url });
    const worker = new TurnWorker({
      ...{ store, connection, host, rollouts, onError },
      codexFor: () => codex,
      hostAliveMs: 2_000,
    });
    return { codex, worker };
  };
  one.model.enqueue([reply.text("The word is plum.")]);
  const a = workerOf("one", first);
  const begun = await queue.add({ newThread: { cwd: one.project }, input: "Say a word" });
  const { threadId } = await begun.result();
  while ((await begun.state()).state !== "completed") await tick();
  await a.worker.close();
  await a.codex.close();
  const b = workerOf("two", second);
  two.model.enqueue([reply.text("It was plum.")]);
  const next = await queue.add({ thread: threadId, input: "Which word was it?" });
  const result = await next.result();
  expect(result).toMatchObject({ threadId, finalResponse: "It was plum." });
  expect(await store.hostOf(threadId)).toBe("two");
  // The model was shown what was said on the other host.
  expect(JSON.stringify(two.model.requests.at(-1)?.input)).toContain("The word is plum.");
  expect(troubles).toEqual([]);
  await b.worker.close();
  await b.codex.close();
  await queue.close();
  await store.close();
  await folder.remove();
});

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
