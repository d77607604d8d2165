import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  isRetryableError,
  RequestTimeoutError,
  retryOnOverload,
  ServerBusyError,
  type AppServerClient,
} from "../../lib/index.js";
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

test("2,000 requests that start at once all get their answer", async () => {
  const outcomes = await many(2_000, (index) =>
    client.request("mock/experimentalMethod", { value: `request ${index}` }),
  );
  const echoes = outcomes.map((outcome) =>
    outcome.status === "fulfilled" ? outcome.value.echoed : String(outcome.reason),
  );
  expect(echoes).toEqual(outcomes.map((_, index) => `request ${index}`));
});

test("whatever a flood leads to, each request ends as what it is, and the client works on", async () => {
  // More than its queue takes, of the cheapest kind: it is through with them soon. That it refuses some of
  // them depends on the machine; its refusals are forced in contract/retry.
  const flooding = await stage.client({ maxInFlight: 1_000 });
  const ask = () => flooding.request("thread/loaded/list", {}, { timeoutMs: 3_000 });
  for (const outcome of await many(1_000, ask)) {
    if (outcome.status === "fulfilled") continue;
    const reason: unknown = outcome.reason;
    // What is refused may be tried again; what is dropped may have been done.
    const refused = reason instanceof ServerBusyError;
    if (refused) expect(reason).toMatchObject({ rpcCode: -32_001, method: "thread/loaded/list" });
    else expect(reason).toBeInstanceOf(RequestTimeoutError);
    expect(isRetryableError(reason)).toBe(refused);
  }
  const { thread } = await retryOnOverload(() =>
    flooding.request("thread/start", { ephemeral: true }, { timeoutMs: 40_000 }),
  );
  expect(thread.ephemeral).toBe(true);
  await flooding.close();
});

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
