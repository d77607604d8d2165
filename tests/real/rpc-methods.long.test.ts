import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import {
  ExperimentalApiError,
  InvalidParamsError,
  type ClientRequestMethod,
} from "../../lib/index.js";
import {
  experimentalCalls,
  experimentalNotCalled,
} from "../support/rpc-calls/experimental-calls.js";
import { offers } from "../support/offers.js";
import {
  answered,
  openScene,
  outcomesOf,
  type RpcCall,
  type RpcCalls,
  type Scene,
} from "../support/rpc-calls/rpc-call.js";
import { stableCalls, stableNotCalled } from "../support/rpc-calls/stable-calls.js";
import { methodIndex, protocolSchema } from "../support/schemas.js";

/** Exactly this method was sent, and what came back is what the server says to that method. */
const expected = ([method, call]: [string, RpcCall]) => {
  if (missing.has(method)) return expect.stringMatching(`^${method}: .*does not know this method`);
  return typeof call === "function"
    ? `${method}: ${answered}`
    : expect.stringMatching(new RegExp(`^${method}: .*${call.refusal.source}`));
};

/** What an older server lacks; test:runtimes counts these. The pinned one lacks nothing. */
const missing = new Set<string>();
const unlisted = Object.keys(stableCalls["what is left of an older protocol"] ?? {});
for (const method of Object.keys(methodIndex.clientRequests)) {
  // No server lists those, though each has them.
  if (unlisted.includes(method) || (await offers(method))) continue;
  missing.add(method);
  test.skip(`${method} [not offered: ${method}]`, () => undefined);
}

const methodsThat = (experimental: boolean) =>
  Object.entries(methodIndex.clientRequests).flatMap(([method, entry]) =>
    entry.experimental === experimental ? [method] : [],
  );

/** Whether the server refuses empty params. */
function needsParams(method: string): boolean {
  const type = methodIndex.clientRequests[method]?.params ?? "";
  const { required } = protocolSchema.definitions[type] ?? {};
  return Array.isArray(required) && required.length > 0;
}

describe.each([
  ["stable", stableCalls, stableNotCalled],
  ["experimental", experimentalCalls, experimentalNotCalled],
] as const)("the %s methods, through client.rpc", (name, groups, notCalled) => {
  const experimental = name === "experimental";
  let scene: Scene;

  beforeAll(async () => {
    scene = await openScene(experimental);
  });
  afterEach(() => {
    expect(scene.attempts).toEqual([]);
  });
  afterAll(() => scene.close());

  const called = Object.values(groups).flatMap((calls) => Object.keys(calls));
  const listed = new Set([...called, ...Object.keys(notCalled)]);
  const isCalled = (method: string) => listed.has(method);
  const methods = methodsThat(experimental);

  test("are those of the calls below, and of those that must not be called", () => {
    expect([...listed].filter((method) => !methods.includes(method))).toEqual([]);
    expect(methods.filter(isCalled).length).toBeGreaterThan(experimental ? 70 : 100);
  });

  // Of a newer release: nobody has read yet what they do, so they are called in a way that does nothing.
  test("known to the server, where nobody has written a call yet", async () => {
    for (const method of methods.filter((each) => !isCalled(each) && needsParams(each))) {
      const answer = scene.client.request(method as ClientRequestMethod, {});
      await expect(answer).rejects.toBeInstanceOf(InvalidParamsError);
    }
  });

  test.each(Object.entries(groups))("%s: each reaches the server", async (_, calls: RpcCalls) => {
    expect(await outcomesOf(calls, scene)).toEqual(Object.entries(calls).map(expected));
  });
});

test("without the experimental API, the server refuses each experimental method by name", async () => {
  await using scene = await openScene(false);
  const calls = Object.values(experimentalCalls)
    .flatMap((group) => Object.entries(group))
    .filter(([method]) => !missing.has(method));
  const outcomes = await Promise.allSettled(
    calls.map(([, call]) => (typeof call === "function" ? call : call.call)(scene)),
  );
  const gated = outcomes.map((outcome) =>
    outcome.status === "rejected" && outcome.reason instanceof ExperimentalApiError
      ? outcome.reason.method
      : outcome,
  );
  expect(gated).toEqual(calls.map(([method]) => method));
});
