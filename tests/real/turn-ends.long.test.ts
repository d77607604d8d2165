import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  isRetryNotice,
  TurnLostError,
  TurnStalledError,
  TurnTimeoutError,
  type AppServerClient,
  type TurnEvent,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { readTurn } from "../../lib/turns/read-stored-turn.js";
import { deafClient } from "../support/deaf-client.js";
import { Gateway } from "../support/gateway.js";
import { offers, testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client();
});
afterAll(() => stage.close());
afterEach(() => {
  stage.model.respond(undefined);
});

async function collect(events: AsyncIterable<TurnEvent>): Promise<TurnEvent[]> {
  const all: TurnEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** What the server says of a review in its middle, and after its end. */
async function reportsOfAReview(on: RealStage) {
  await using other = await on.client();
  const thread = await other.startThread();
  await thread.run("Hi");
  const gate = reply.hold();
  on.model.enqueue(reply.text(["Half", gate]));
  const review = thread.review({ type: "custom", instructions: "Look" });
  const { id } = await review.started;
  await gate.reached;
  const running = await readTurn(other.session, thread.id, id);
  gate.release();
  await review.run();
  return [running, await readTurn(other.session, thread.id, id)] as const;
}

const storesTimes = await offers("ThreadItemEntry.completedAtMs");
const reviewTest = await testWhere("the items of a running review", async (other) => {
  const [running] = await reportsOfAReview(other);
  return running.state === "running" && running.items !== undefined;
});

describe("what the server says of a turn when it is asked", () => {
  test("is its end, with the items under the ids of the events", async () => {
    const thread = await client.startThread();
    stage.model.enqueueFor(thread.id, reply.shell("echo hello"), reply.text("Done."));
    const turn = thread.turn("Run it");
    const events = await collect(turn);
    const { id, items } = await turn.run();
    const report = await readTurn(client.session, thread.id, id);
    const end = events.at(-1)?.params as { turn: object } | undefined;
    expect(report).toMatchObject({ state: "ended", isLast: true });
    if (report.state !== "ended") throw new Error("unreachable");
    expect(end?.turn).toMatchObject(report.turn);
    expect(report.items?.map(({ item }) => item)).toEqual(items);
    const completed = events.flatMap((event) =>
      event.method === "item/completed" ? [storesTimes ? event.params.completedAtMs : null] : [],
    );
    expect(report.items?.map(({ completedAtMs }) => completedAtMs)).toEqual(completed);
  });

  test("tells failed and interrupted turns apart, and has the error", async () => {
    const thread = await client.startThread();
    stage.model.enqueueFor(thread.id, reply.http(500));
    const failed = await thread.run("Hi", { throwOnFailure: false });
    const gate = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["Half", gate]));
    const turn = thread.turn("Hi");
    await gate.reached;
    await turn.interrupt();
    const interrupted = await turn.run();
    gate.release();
    expect(await readTurn(client.session, thread.id, failed.id)).toMatchObject({
      state: "ended",
      turn: { status: "failed", error: failed.error },
    });
    expect(await readTurn(client.session, thread.id, interrupted.id)).toMatchObject({
      state: "ended",
      turn: { status: "interrupted", error: null },
    });
  });

  test("of a running turn has the items that are complete", async () => {
    const thread = await client.startThread();
    await thread.run("Hi");
    const gate = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["Half", gate]));
    const turn = thread.turn("Go");
    const { id } = await turn.started;
    await gate.reached;
    expect(await readTurn(client.session, thread.id, id)).toMatchObject({
      state: "running",
      items: [{ item: { type: "userMessage" } }],
    });
    gate.release();
    await turn.run();
  });

  reviewTest("of a review, too", async () => {
    const [running, ended] = await reportsOfAReview(stage);
    expect(running).toMatchObject({
      state: "running",
      items: [{ item: { type: "enteredReviewMode" } }],
    });
    expect(ended).toMatchObject({ state: "ended", turn: { status: "completed" } });
  });

  test("is nothing of a turn that it does not know, nor of a thread that it does not store", async () => {
    const thread = await client.startThread();
    const nothing = { state: "unknown", threadIsIdle: true };
    expect(await readTurn(client.session, thread.id, "turn")).toEqual(nothing);
    await thread.run("Hi");
    expect(await readTurn(client.session, thread.id, "turn")).toEqual(nothing);
    const ephemeral = await client.startThread({ ephemeral: true });
    const gate = reply.hold();
    stage.model.enqueueFor(ephemeral.id, reply.text(["Half", gate]));
    const turn = ephemeral.turn("Hi");
    const { id } = await turn.started;
    await gate.reached;
    expect(await readTurn(client.session, ephemeral.id, id)).toMatchObject({
      state: "running",
    });
    gate.release();
    await turn.run();
    expect(await readTurn(client.session, ephemeral.id, id)).toEqual(nothing);
  });
});

describe("without turn/completed", () => {
  const deaf = ["turn/completed"];

  test("a turn ends with what the server has stored of it, and the next one starts", async () => {
    await using quiet = await deafClient(stage, deaf);
    const thread = await quiet.startThread();
    stage.model.enqueueFor(thread.id, reply.text("One."), reply.http(500), reply.text("Three."));
    const first = thread.turn("Hi");
    const rest = [thread.run("Hi", { throwOnFailure: false }), thread.run("Hi")];
    const events = await collect(first);
    const result = await first.run();
    expect(result).toMatchObject({ status: "completed", finalResponse: "One.", error: null });
    expect(result.durationMs).toEqual(expect.any(Number));
    expect(events.at(-1)).toMatchObject({
      method: "turn/completed",
      params: { threadId: thread.id, turn: { id: result.id, status: "completed" } },
    });
    const ids = events.flatMap((event) =>
      event.method === "item/completed" ? [event.params.item.id] : [],
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(await Promise.all(rest)).toMatchObject([
      { status: "failed", error: { codexErrorInfo: "internalServerError" } },
      { status: "completed", finalResponse: "Three." },
    ]);
  });

  test("an interrupted turn ends, too, and a review", async () => {
    await using quiet = await deafClient(stage, deaf);
    const thread = await quiet.startThread();
    const gate = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["Half", gate]));
    const turn = thread.turn("Hi");
    await gate.reached;
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    gate.release();
    stage.model.enqueue(reply.text("All is well."));
    const review = await thread.review({ type: "custom", instructions: "Look" }).run();
    expect(review).toMatchObject({ status: "completed", finalResponse: "All is well." });
  });

  test("what was missed of the items is read", async () => {
    await using quiet = await deafClient(stage, [...deaf, "item/completed"]);
    const thread = await quiet.startThread();
    stage.model.enqueueFor(thread.id, reply.shell("echo hello"), reply.text("Done."));
    const { items, finalResponse } = await thread.run("Run it");
    expect(finalResponse).toBe("Done.");
    expect(items.map(({ type }) => type)).toEqual([
      "userMessage",
      "commandExecution",
      "agentMessage",
    ]);
  });

  test("a turn of a thread that is not stored ends with an error that says so", async () => {
    await using quiet = await deafClient(stage, deaf);
    const thread = await quiet.startThread({ ephemeral: true });
    const error = await rejection(thread.run("Hi"));
    expect(error).toBeInstanceOf(TurnLostError);
    expect(error).toMatchObject({
      code: "TURN_LOST",
      result: { finalResponse: expect.any(String) },
    });
    stage.model.enqueueFor(thread.id, reply.http(500));
    const failed = await thread.run("Hi", { throwOnFailure: false });
    expect(failed).toMatchObject({
      status: "failed",
      error: { codexErrorInfo: "internalServerError" },
    });
  });
});

describe("idleTimeoutMs", () => {
  test("tells of a silent model, and the turn can be waited for again", async () => {
    const thread = await client.startThread();
    const gate = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["Half of ", gate, "a sentence."]));
    // Long enough for the first words to come on any machine, which begins it anew.
    const turn = thread.turn("Talk", { idleTimeoutMs: 3_000 });
    const texts: string[] = [];
    const reading = async () => {
      for await (const text of turn.textStream()) texts.push(text);
    };
    const errors = await Promise.all([rejection(reading()), rejection(turn.run())]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(TurnStalledError);
      expect(error).toMatchObject({
        code: "TURN_STALLED",
        idleTimeoutMs: 3_000,
        probe: "running",
        result: { id: turn.id, status: "inProgress" },
      });
    }
    expect(errors[0]).not.toBe(errors[1]);
    expect(texts).toEqual(["Half of "]);
    const again = [reading(), turn.run()] as const;
    gate.release();
    await again[0];
    expect(await again[1]).toMatchObject({
      status: "completed",
      finalResponse: "Half of a sentence.",
    });
    expect(texts.join("")).toBe("Half of a sentence.");
  });

  test("does not count the time in which an answer of ours is waited for", async () => {
    let asked = 0;
    const thread = await client.startThread({
      approvalPolicy: "untrusted",
      onApproval: async () => {
        asked += 1;
        await new Promise((resolve) => setTimeout(resolve, 5_000));
        return "decline" as const;
      },
    });
    stage.model.enqueueFor(thread.id, reply.shell("touch never"), reply.text("Done."));
    const result = await thread.run("Do it", { idleTimeoutMs: 3_000 });
    expect(asked).toBe(1);
    expect(result).toMatchObject({ status: "completed", finalResponse: "Done." });
  });
});

describe("a model that cannot be reached", () => {
  test("is told by typed events, tried again without end, and timeoutMs ends it", async () => {
    await using gateway = await Gateway.open();
    await using far = await RealStage.open(({ url }) => {
      gateway.target = Number(new URL(url).port);
      const base_url = url.replace(`:${gateway.target}`, `:${gateway.port}`);
      return {
        config: {
          model_providers: { mock: { base_url } },
          features: { unbounded_connection_retries: true },
        },
      };
    });
    const thread = await far.codex().startThread();
    await thread.run("Hi");
    await gateway.shut();
    const turn = thread.turn("Anybody there?", { timeoutMs: 6_000 });
    const notices: unknown[] = [];
    const states: unknown[] = [];
    const reading = (async () => {
      for await (const event of turn) {
        if (!isRetryNotice(event)) continue;
        notices.push(event.params.willRetry);
        states.push(turn.state.retry);
      }
    })();
    const errors = await Promise.all([rejection(reading), rejection(turn.run())]);
    for (const error of errors) expect(error).toBeInstanceOf(TurnTimeoutError);
    expect(notices.length).toBeGreaterThan(0);
    expect(notices.every((willRetry) => willRetry === true)).toBe(true);
    expect(states[0]).toMatchObject({
      message: expect.stringContaining("Reconnecting"),
      count: 1,
      sinceMs: expect.any(Number),
    });
    await gateway.reopen();
    expect(await thread.run("Hello?", { whenBusy: "reject" })).toMatchObject({
      status: "completed",
    });
  });
});
