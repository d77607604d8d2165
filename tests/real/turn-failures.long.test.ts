import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { TurnFailedError, type Codex } from "../../lib/index.js";
import {
  reply,
  type LoopbackModel,
  type ModelRequest,
  type Reply,
} from "../../lib/testing/index.js";
import { tellsReason, testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open(({ url }) => ({
    config: {
      model_providers: {
        retrying: {
          name: "Retrying",
          base_url: url,
          wire_api: "responses",
          request_max_retries: 0,
          stream_max_retries: 2,
        },
      },
    },
  }));
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

const failures: readonly (readonly [string, number | null, Reply])[] = [
  ["usageLimitExceeded", null, reply.usageLimit()],
  ["contextWindowExceeded", null, reply.failed("context_length_exceeded")],
  ["rateLimitExceeded", null, reply.failed("rate_limit_exceeded")],
  ["serverOverloaded", null, reply.overloaded()],
  ["modelNotFound", null, reply.modelNotFound()],
  ["cyberPolicy", null, reply.failed("cyber_policy")],
  ["bioPolicy", null, reply.failed("bio_policy")],
  ["internalServerError", null, reply.http(500)],
  ["responseTooManyFailedAttempts", 429, reply.http(429)],
  ["httpConnectionFailed", 403, reply.http(403)],
  ["other", null, [reply.unfinishedText("Half of"), reply.drop()]],
];

for (const [reason, httpStatusCode, scripted] of failures) {
  // Older servers call more of them "other".
  const isNamed = reason === "other" ? undefined : tellsReason(scripted, reason);
  const failureTest = await testWhere(
    `the reason ${reason}`,
    isNamed ?? (() => Promise.resolve(true)),
  );
  failureTest(`a turn that fails with ${reason} says so, and its thread stays usable`, async () => {
    const thread = await codex.startThread();
    // A thread that was too long for the model is summarised before its next turn.
    const isTurn = ({ threadId, kind }: ModelRequest) => threadId === thread.id && kind === "turn";
    model.enqueueFor(isTurn, scripted, reply.text("Still here."));
    const error = await rejection(thread.run("A prompt that is nobody's business"));
    expect(error).toBeInstanceOf(TurnFailedError);
    expect(error).toMatchObject({ reason, httpStatusCode, result: { status: "failed" } });
    expect(error.message).not.toContain("nobody's business");
    await expect(thread.run("Again")).resolves.toMatchObject({ finalResponse: "Still here." });
  });
}

describe("a failed turn", () => {
  test("keeps what it did before it failed", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      [reply.commentary("I look first."), reply.shell("echo done", { callId: "first" })],
      [reply.unfinishedText(["Half ", "of it"]), reply.drop()],
    );
    const result = await thread.run("Hi", { throwOnFailure: false });
    expect(result).toMatchObject({ status: "failed", finalResponse: null });
    expect(result.error).not.toBeNull();
    expect(result.items).toMatchObject([
      { type: "userMessage" },
      { type: "agentMessage", text: "I look first." },
      { type: "commandExecution", id: "first", aggregatedOutput: "done\n" },
      { type: "agentMessage", text: "Half of it" },
    ]);
  });

  test("ends its stream with turn/completed, and its text stream with the error", async () => {
    const thread = await codex.startThread();
    const broken = [reply.unfinishedText("Half of it"), reply.drop()];
    model.enqueueFor(thread.id, broken, broken);
    const methods: string[] = [];
    for await (const { method } of thread.turn("Hi")) methods.push(method);
    expect(methods.slice(-2)).toEqual(["error", "turn/completed"]);

    let text = "";
    const reading = (async () => {
      for await (const piece of thread.turn("Hi").textStream()) text += piece;
    })();
    expect(await rejection(reading)).toBeInstanceOf(TurnFailedError);
    expect(text).toBe("Half of it");
  });
});

test("a model that the server asks again is reported, and the turn succeeds", async () => {
  const thread = await codex.startThread({ modelProvider: "retrying" });
  model.enqueueFor(
    thread.id,
    [reply.unfinishedText("Half of"), reply.drop()],
    reply.endEarly(),
    reply.text("At last."),
  );
  const turn = thread.turn("Hi");
  const retries: boolean[] = [];
  for await (const event of turn) {
    if (event.method === "error") retries.push(event.params.willRetry);
  }
  expect(retries).toEqual([true, true]);
  const result = await turn.run();
  expect(result).toMatchObject({ status: "completed", error: null, finalResponse: "At last." });
  // What the cut attempt had streamed is not the answer, but it is not lost either.
  expect(result.items.map((item) => item.type === "agentMessage" && item.text)).toEqual([
    false,
    "Half of",
    "At last.",
  ]);
});
