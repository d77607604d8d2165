import { expect, test } from "@jest/globals";
import { TurnJobConflictError, TurnJobNotFoundError } from "../../lib/index.js";
import { fakeFleets, until } from "../support/fleet-stage.js";

const stage = fakeFleets();

test("a key whose job is over gives the same job, also when BullMQ keeps it no more", async () => {
  await using fleet = stage();
  fleet.server.onTurn("done");
  await fleet.worker();
  const given = {
    newThread: {},
    input: "once",
    idempotencyKey: "key",
    job: { removeOnComplete: true },
  };
  const job = await fleet.queue.add(given);
  const result = await job.result();
  const isGone = async (): Promise<boolean> => {
    const failure: unknown = await job.state().catch((error: unknown) => error);
    return failure instanceof TurnJobNotFoundError;
  };
  await until(isGone);
  const again = await fleet.queue.add(given);
  expect(again.id).toBe(job.id);
  expect(await again.result()).toEqual(result);
  expect(await isGone()).toBe(true);
  expect(fleet.server.paramsOf("turn/start")).toHaveLength(1);
});

test("of two who add different turns under one key at once, one is refused, and the other's turn runs", async () => {
  await using fleet = stage();
  fleet.server.onTurn((turn) => turn.reply(turn.text));
  const add = (input: string) => fleet.queue.add({ newThread: {}, input, idempotencyKey: "key" });
  // Neither finds the other's place.
  const [one, other] = await Promise.allSettled([add("one"), add("other")]);
  const rejected = [one, other].filter((each) => each.status === "rejected");
  expect(rejected).toMatchObject([{ reason: { code: "TURN_JOB_CONFLICT" } }]);
  const [won, lost] = one.status === "fulfilled" ? ["one", "other"] : ["other", "one"];
  await fleet.worker();
  const job = await add(won);
  await expect(job.result()).resolves.toMatchObject({ finalResponse: won });
  await expect(add(lost)).rejects.toThrow(TurnJobConflictError);
});
