import { afterAll, beforeAll, expect, test } from "@jest/globals";

import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { tellsReason, testWhere } from "../support/offers.js";
import { RawStage, type Params } from "../support/raw-stage.js";

let stage: RawStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await RawStage.open({
    overrides: ({ url }) => ({
      config: {
        model_providers: {
          retrying: {
            name: "Retrying",
            base_url: url,
            wire_api: "responses",
            request_max_retries: 0,
            stream_max_retries: 1,
          },
          impatient: {
            name: "Impatient",
            base_url: url,
            wire_api: "responses",
            request_max_retries: 0,
            stream_max_retries: 0,
            stream_idle_timeout_ms: 200,
          },
          gone: {
            name: "Gone",
            base_url: "http://127.0.0.1:1/v1",
            wire_api: "responses",
            request_max_retries: 0,
            stream_max_retries: 0,
          },
        },
      },
    }),
  });
  model = stage.model;
});
afterAll(() => stage.close());

const failures: readonly (readonly [string, Reply, unknown])[] = [
  ["failed: server_error", reply.failed("server_error"), "other"],
  ["failed: an unknown code", reply.failed("no_such_code"), "other"],
  ["failed: invalid_prompt", reply.failed("invalid_prompt"), "other"],
  ["failed: rate_limit_exceeded", reply.failed("rate_limit_exceeded"), "rateLimitExceeded"],
  ["failed: slow_down", reply.failed("slow_down"), "rateLimitExceeded"],
  ["failed: context", reply.failed("context_length_exceeded"), "contextWindowExceeded"],
  ["failed: insufficient_quota", reply.failed("insufficient_quota"), "usageLimitExceeded"],
  ["failed: usage_not_included", reply.failed("usage_not_included"), "usageLimitExceeded"],
  ["failed: overloaded", reply.failed("server_is_overloaded"), "serverOverloaded"],
  ["failed: cyber_policy", reply.failed("cyber_policy"), "cyberPolicy"],
  ["incomplete", reply.incomplete(), "other"],
  ["a dropped connection", [reply.unfinishedText("Half"), reply.drop()], "other"],
  ["a stream that ends early", [reply.unfinishedText("Half"), reply.endEarly()], "other"],
  ["HTTP 400", reply.http(400, "that was bad"), "other"],
  ["HTTP 401", reply.http(401), { httpConnectionFailed: { httpStatusCode: 401 } }],
  ["HTTP 403", reply.http(403), { httpConnectionFailed: { httpStatusCode: 403 } }],
  ["HTTP 404, no such model", reply.modelNotFound(), "modelNotFound"],
  ["HTTP 429, plain", reply.http(429), { responseTooManyFailedAttempts: { httpStatusCode: 429 } }],
  ["HTTP 429, usage limit", reply.usageLimit({ resetsAt: 4_000_000_000 }), "usageLimitExceeded"],
  ["HTTP 500", reply.http(500), "internalServerError"],
  ["HTTP 503, overloaded", reply.overloaded(), "serverOverloaded"],
];

/** The failures that older servers call by another name. */
const namedSince: Readonly<Record<string, string>> = {
  "failed: slow_down": "rateLimitExceeded",
  "HTTP 401": "httpConnectionFailed",
  "HTTP 403": "httpConnectionFailed",
  "HTTP 404, no such model": "modelNotFound",
};

for (const [name, scripted, codexErrorInfo] of failures) {
  const reason = namedSince[name];
  const failureTest =
    reason === undefined
      ? test
      : await testWhere(`the reason ${reason}`, tellsReason(scripted, reason));
  failureTest(`${name} fails the turn with the server's own kind of error`, async () => {
    const threadId = await stage.startThread();
    model.enqueueFor(threadId, scripted, reply.text("Still usable."));
    const turn = await stage.completed(await stage.startTurn(threadId, "Hi"));
    expect(turn).toMatchObject({ status: "failed", error: { codexErrorInfo } });
    const next = await stage.completed(await stage.startTurn(threadId, "Again"));
    expect(next.status).toBe("completed");
  });
}

test("a handler that throws fails the turn with its message", async () => {
  const threadId = await stage.startThread();
  model.respond((request) => {
    if (request.threadId === threadId) throw new Error("the script has a hole");
    return undefined;
  });
  const turn = await stage.completed(await stage.startTurn(threadId, "Hi"));
  model.respond(undefined);
  expect((turn.error as Params).message).toContain("the script has a hole");
});

test("what was streamed before a dropped connection arrives", async () => {
  const threadId = await stage.startThread();
  model.enqueueFor(threadId, [reply.unfinishedText(["Half ", "of it"]), reply.drop()]);
  const turnId = await stage.startTurn(threadId, "Hi");
  await stage.completed(turnId);
  const deltas = stage.client.messages.filter(
    ({ method, params }) => method === "item/agentMessage/delta" && params?.turnId === turnId,
  );
  expect(deltas.map(({ params }) => params?.delta)).toEqual(["Half ", "of it"]);
});

test("a provider that retries reports the failure and goes on", async () => {
  const threadId = await stage.startThread({ modelProvider: "retrying" });
  model.enqueueFor(threadId, reply.drop(), reply.text("Second try."));
  const turnId = await stage.startTurn(threadId, "Hi");
  expect(await stage.completed(turnId)).toMatchObject({ status: "completed" });
  const { params } = await stage.seen("error", (p) => p.turnId === turnId);
  expect(params?.willRetry).toBe(true);
});

test("a model that says nothing more fails a turn whose provider has an idle limit", async () => {
  const threadId = await stage.startThread({ modelProvider: "impatient" });
  model.enqueueFor(threadId, [reply.text("Half"), reply.hang()]);
  const turn = await stage.completed(await stage.startTurn(threadId, "Hi"));
  expect(turn).toMatchObject({ status: "failed", error: { codexErrorInfo: "other" } });
});

test("a hanging model is left when its turn is interrupted", async () => {
  const threadId = await stage.startThread();
  model.enqueueFor(threadId, [reply.unfinishedText("Half"), reply.hang()]);
  const turnId = await stage.startTurn(threadId, "Hi");
  const request = await model.nextRequest({ where: (r) => r.threadId === threadId });
  const left = new Promise((resolve) => {
    request.signal.addEventListener("abort", resolve, { once: true });
  });
  await stage.seen("item/agentMessage/delta", (p) => p.turnId === turnId);
  await stage.client.request("turn/interrupt", { threadId, turnId });
  expect(await stage.completed(turnId)).toMatchObject({ status: "interrupted", error: null });
  await left;
});

test("a model that is gone fails the turn", async () => {
  const threadId = await stage.startThread({ modelProvider: "gone" });
  const turn = await stage.completed(await stage.startTurn(threadId, "Hi"));
  expect(turn).toMatchObject({
    status: "failed",
    error: { codexErrorInfo: { httpConnectionFailed: { httpStatusCode: null } } },
  });
});
