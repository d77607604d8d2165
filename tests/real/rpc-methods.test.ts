import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { ExperimentalApiError } from "../../lib/index.js";
import {
  experimentalCalls,
  experimentalNotCalled,
} from "../support/rpc-calls/experimental-calls.js";
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
const expected = ([method, call]: [string, RpcCall]) =>
  typeof call === "function"
    ? `${method}: ${answered}`
    : expect.stringMatching(new RegExp(`^${method}: .*${call.refusal.source}`));

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
  const calls = Object.values(experimentalCalls).flatMap((group) => Object.entries(group));
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
