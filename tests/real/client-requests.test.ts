import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  isRetryableError,
  RequestTimeoutError,
  retryOnOverload,
  ServerBusyError,
  type AppServerClient,
} from "../../lib/index.js";
import { Deferred } from "../../lib/async/deferred.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

const dangerFullAccess = { type: "dangerFullAccess" } as const;

let stage: RealStage;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client();
});
afterAll(() => stage.close());

function many<T>(count: number, make: (index: number) => Promise<T>) {
  return Promise.allSettled(Array.from({ length: count }, (_, index) => make(index)));
}

test("5,000 requests that start at once all get their answer", async () => {
  const outcomes = await many(5_000, (index) =>
    client.request("mock/experimentalMethod", { value: `request ${index}` }),
  );
  const echoes = outcomes.map((outcome) =>
    outcome.status === "fulfilled" ? outcome.value.echoed : String(outcome.reason),
  );
  expect(echoes).toEqual(outcomes.map((_, index) => `request ${index}`));
});

/**
 * Starting a thread takes the server long enough for its queue of 128 to fill up behind it: with the
 * first of these numbers nearly always, unless the machine keeps us from sending fast enough.
 */
const floods = [400, 800, 1_600, 3_200];
const maxInFlight = 3_200;
/** A busy machine takes long to start so many threads (ms). */
const floodsMs = 240_000;
const startThread = (flooding: AppServerClient) =>
  flooding.request("thread/start", { ephemeral: true });

test(
  "the server's own overload answer is recognised, and whatever it drops is bounded",
  async () => {
    const flooding = await stage.client({ maxInFlight, requestTimeoutMs: 3_000 });
    const busy: unknown[] = [];
    for (const flood of floods) {
      const outcomes = await many(flood, () => startThread(flooding));
      for (const outcome of outcomes) {
        if (outcome.status === "fulfilled") continue;
        const reason: unknown = outcome.reason;
        expect(isRetryableError(reason)).toBe(reason instanceof ServerBusyError);
        if (isRetryableError(reason)) busy.push(reason);
        else expect(reason).toBeInstanceOf(RequestTimeoutError);
      }
      if (busy.length > 0) break;
    }
    expect(busy[0]).toMatchObject({ rpcCode: -32_001, method: "thread/start" });
    await flooding.close();
  },
  floodsMs,
);

/** How often one request of a flood was refused before it was served; 0 when none was. */
async function refusalsBeforeSuccess(on: RealStage, sizes: readonly number[]): Promise<number> {
  const flooding = await on.client({ maxInFlight, requestTimeoutMs: 20_000 });
  const { promise: recovered, resolve } = new Deferred<number>();
  const insist = async () => {
    let refusals = 0;
    const onRetry = () => {
      refusals += 1;
    };
    await retryOnOverload(() => startThread(flooding), { retries: 20, onRetry });
    if (refusals > 0) resolve(refusals);
  };
  const all: Promise<unknown>[] = [];
  let refusals = 0;
  for (const size of sizes) {
    const flooded = many(size, insist);
    all.push(flooded);
    // The flood need not end for one of its requests to have been refused and then served.
    refusals = await Promise.race([recovered, flooded.then(() => 0)]);
    if (refusals > 0) break;
  }
  await flooding.close();
  await Promise.all(all);
  return refusals;
}

const retryTest = await testWhere("an answer to what is tried again", async (other) => {
  return (await refusalsBeforeSuccess(other, [400])) > 0;
});

retryTest(
  "what the server was too busy for succeeds when it is tried again",
  async () => {
    expect(await refusalsBeforeSuccess(stage, floods)).toBeGreaterThan(0);
  },
  floodsMs,
);

test("a request that waits too long says which, and that the outcome is unknown", async () => {
  const processId = "too-long";
  const command = ["sh", "-c", "read line"];
  const params = { command, processId, streamStdin: true, sandboxPolicy: dangerFullAccess };
  const error = await rejection(client.request("command/exec", params, { timeoutMs: 300 }));
  expect(error).toBeInstanceOf(RequestTimeoutError);
  expect(error.message).toMatch(/^command\/exec was not answered within 300 ms; .* may still/);
  await client.request("command/exec/terminate", { processId });
});

test("an aborted request rejects with the signal's reason and leaves no listener", async () => {
  const controller = new AbortController();
  const reason = new Error("the user left");
  const processId = "aborted";
  const command = ["sh", "-c", "echo begun; read line"];
  const begun = new Promise<void>((resolve) => {
    const stop = client.on("command/exec/outputDelta", ({ params }) => {
      if (params.processId !== processId) return;
      stop();
      resolve();
    });
  });
  const params = {
    command,
    processId,
    streamStdin: true,
    streamStdoutStderr: true,
    sandboxPolicy: dangerFullAccess,
  };
  const waiting = client.request("command/exec", params, { signal: controller.signal });
  await begun;
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(
    client.request("command/exec/terminate", { processId }, { signal: controller.signal }),
  ).rejects.toBe(reason);
  await client.request("command/exec/terminate", { processId });
  expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
});

test("every notification can be followed, from the call on", async () => {
  const notifications = client.notifications();
  const [thread] = await Promise.all([client.startThread()]);
  const result = await thread.run("Hi");
  const methods: string[] = [];
  for await (const { method, emittedAtMs } of notifications) {
    methods.push(method);
    expect(emittedAtMs).toBeGreaterThan(0);
    if (method === "turn/completed") break;
  }
  expect(methods).toContain("thread/started");
  expect(methods).toContain("account/rateLimits/updated");
  expect(result.status).toBe("completed");
});

test("64 MiB travel in one message, both ways", async () => {
  const path = `${stage.project}/large.bin`;
  const dataBase64 = Buffer.alloc(48 * 1024 * 1024, "codex").toString("base64");
  await client.request("fs/writeFile", { path, dataBase64 });
  const read = await client.request("fs/readFile", { path });
  expect(read.dataBase64 === dataBase64).toBe(true);
});
