import { expect, test } from "@jest/globals";
import { Codex } from "../../lib/index.js";
import { Deferred } from "../../lib/async/deferred.js";
import { eventsOf, fakeFleets, requestOf } from "../support/fleet-stage.js";

const stage = fakeFleets();

test("an approval that nobody gives in time is declined, and an answer that comes later is refused", async () => {
  await using fleet = stage();
  const decided = new Deferred<unknown>();
  const gate = new Deferred<void>();
  fleet.server.onTurn(async (turn) => {
    decided.resolve(await turn.askApproval("rm -rf /"));
    await gate.promise;
    turn.reply("done");
  });
  await fleet.worker({ answerWithinMs: 200 });
  const job = await fleet.queue.add({ newThread: {}, input: "hello" });
  const key = await requestOf(job, "command");
  expect(await decided.promise).toBe("decline");
  await expect(job.answer(key, "accept")).rejects.toMatchObject({
    refusalCode: "REQUEST_NOT_PENDING",
  });
  gate.resolve();
  await job.result();
});

test("a turn whose server stays away fails in the end, and is not begun again", async () => {
  await using fleet = stage();
  const url = await fleet.server.listen();
  fleet.server.onTurn((turn) => turn.hang());
  // It gives up soon.
  const reconnect = { retries: 1, minDelayMs: 1, maxDelayMs: 1 };
  await using codex = new Codex({ url, reconnect, restart: { retries: 0 } });
  await fleet.worker({ codexFor: () => codex, serverBackMs: 300 });
  const job = await fleet.queue.add({ newThread: {}, input: "hello", job: { attempts: 3 } });
  await job.threadId();
  await fleet.server.close();
  await expect(job.result()).rejects.toMatchObject({ code: "TURN_JOB_FAILED", sent: true });
  expect((await eventsOf(job)).at(-1)?.part).toMatchObject({ type: "end", status: "lost" });
  expect(fleet.server.paramsOf("turn/start")).toHaveLength(1);
});
