import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { ExperimentalApiError } from "../../lib/index.js";
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
import { methodIndex } from "../support/schemas.js";

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

  test("are all called here, or must not be", () => {
    const called = Object.values(groups).flatMap((calls) => Object.keys(calls));
    const listed = [...called, ...Object.keys(notCalled)];
    expect(listed.sort()).toEqual(methodsThat(experimental).sort());
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
