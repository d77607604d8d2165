import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { TurnJobConflictError } from "../../../lib/index.js";
import { fleetOptions } from "../../support/fleet-database.js";
import { FleetStage, until } from "../../support/fleet-stage.js";
import { PostgresServer } from "../../support/postgres-server.js";

let postgres: PostgresServer;

beforeAll(async () => {
  postgres = await PostgresServer.start();
}, 120_000);
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

let lastSchema = 0;
/** The fleet of a test: all that it keeps, BullMQ's jobs included, lies in PostgreSQL. */
function stage(): FleetStage<FakeAppServer> {
  lastSchema += 1;
  const place = fleetOptions({
    kind: postgres.kind,
    url: postgres.url,
    name: `fleet_${lastSchema}`,
  });
  return new FleetStage(new FakeAppServer(), place);
}

test("turns run as jobs on PostgreSQL alone, in order within their thread", async () => {
  await using fleet = stage();
  const order: string[] = [];
  fleet.server.onTurn((turn) => {
    order.push(turn.text);
    turn.reply(`You said ${turn.text}.`);
  });
  await fleet.worker();
  const first = await fleet.queue.add({ newThread: {}, input: "0" });
  const thread = await first.threadId();
  const jobs = [];
  for (const input of ["1", "2", "3"]) jobs.push(await fleet.queue.add({ thread, input }));
  const results = await Promise.all(jobs.map((job) => job.result()));
  expect(results.map(({ finalResponse }) => finalResponse)).toEqual([
    "You said 1.",
    "You said 2.",
    "You said 3.",
  ]);
  expect(order).toEqual(["0", "1", "2", "3"]);
  const types: string[] = [];
  for await (const { part } of first.stream()) types.push(part.type);
  expect(types.at(0)).toBe("start");
  expect(types.at(-1)).toBe("end");
});

test("a key gives the same job, and what never began is tried again, on PostgreSQL", async () => {
  await using fleet = stage();
  let turns = 0;
  fleet.server.onTurn((turn) => {
    turns += 1;
    turn.reply("done");
  });
  const codex = fleet.client();
  let looks = 0;
  await fleet.worker({
    codexFor: () => {
      looks += 1;
      if (looks === 1) throw new Error("no server yet");
      return codex;
    },
  });
  const given = {
    newThread: {},
    input: "once",
    idempotencyKey: "key 1",
    job: { attempts: 3, backoff: 10 },
  };
  const job = await fleet.queue.add(given);
  expect((await fleet.queue.add(given)).id).toBe(job.id);
  await expect(fleet.queue.add({ ...given, input: "other" })).rejects.toThrow(TurnJobConflictError);
  await expect(job.result()).resolves.toMatchObject({ status: "completed" });
  expect({ turns, looks }).toEqual({ turns: 1, looks: 2 });
});

test("a turn is stopped from anywhere, and given back by a worker that closes, on PostgreSQL", async () => {
  await using fleet = stage();
  const begun: string[] = [];
  fleet.server.onTurn(async (turn) => {
    begun.push(turn.text);
    await new Promise<void>((resolve) => {
      const over = (): void => {
        resolve();
      };
      turn.signal.addEventListener("abort", over, { once: true });
    });
  });
  const first = await fleet.worker();
  const job = await fleet.queue.add({ newThread: {}, input: "long" });
  const threadId = await job.threadId();
  const waiting = await fleet.queue.add({ thread: threadId, input: "never" });
  await waiting.interrupt();
  await expect(waiting.result()).resolves.toMatchObject({ id: "", status: "interrupted" });
  await job.interrupt();
  await expect(job.result()).resolves.toMatchObject({ status: "interrupted" });
  await first.close();
  const later = await fleet.queue.add({ newThread: {}, input: "later" });
  expect((await later.state()).state).toBe("waiting");
  expect(begun).toEqual(["long"]);
});

test("a long input comes over, and what PostgreSQL's JSON cannot hold keeps no job from its end", async () => {
  await using fleet = stage();
  const long = "x".repeat(1_000_000);
  fleet.server.onTurn((turn) => {
    if (turn.text === "fail") turn.fail("no \u0000");
    else turn.reply(`${turn.text} \u0000`);
  });
  await fleet.worker();
  const add = (input: string) => fleet.queue.add({ newThread: {}, input });
  const job = await add(`${long} \u{1f600} \u0000 \ud83d`);
  const failing = await add("fail");
  const config = { "a name \u0000": { "\udc00": 1 } };
  const named = await fleet.queue.add({ newThread: { config }, input: "Hi" });
  await expect(job.result()).resolves.toMatchObject({
    finalResponse: `${long} \u{1f600} \ufffd \ufffd \u0000`,
  });
  await expect(failing.result()).rejects.toThrow("no \u0000");
  await expect(named.result()).resolves.toMatchObject({ status: "completed" });
  await until(async () => (await job.state()).state === "completed");
  await until(async () => (await failing.state()).state === "failed");
  expect(fleet.troubles).toEqual([]);
});
