import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  AppServerClient,
  defer,
  defineTool,
  type RequestContext,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { CuttingProxy } from "../support/cutting-proxy.js";
import { ListeningServer } from "../support/listening-server.js";
import { nextOutage } from "../support/outage.js";
import { next, RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let server: ListeningServer;
let proxy: CuttingProxy;
let client: AppServerClient;
let markers = 0;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  server = await ListeningServer.start(stage);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});

beforeEach(async () => {
  proxy = await CuttingProxy.start(server.target);
  client = await AppServerClient.connect(proxy.url, { reconnect: { minDelayMs: 10 } });
});
afterEach(async () => {
  await client.close();
  await proxy[Symbol.asyncDispose]();
});

function marker() {
  const file = path.join(stage.project, `marker-${(markers += 1)}`);
  return { command: reply.shell(`touch ${file}`), made: () => existsSync(file) };
}

/** A handler that waits to be told the answer, and what it was asked. */
function waitingHandler() {
  const contexts: RequestContext[] = [];
  let answer!: (decision: "accept" | "decline") => void;
  const answered = new Promise<"accept" | "decline">((resolve) => (answer = resolve));
  let asked!: () => void;
  const wasAsked = new Promise<void>((resolve) => (asked = resolve));
  return {
    ...{ contexts, answer, wasAsked },
    onApproval: (_: unknown, context: RequestContext) => {
      contexts.push(context);
      asked();
      return answered;
    },
  };
}

async function askingThread(...replies: Parameters<LoopbackModel["enqueueFor"]>[1][]) {
  const thread = await client.startThread({ approvalPolicy: "untrusted" });
  model.enqueueFor(thread.id, ...replies, reply.text("Done."));
  return thread;
}

async function expectUsable(thread: Thread): Promise<void> {
  const { command, made } = marker();
  model.enqueueFor(thread.id, command, reply.text("Still here."));
  await thread.run("And now?", { onApproval: () => "accept" });
  expect(made()).toBe(true);
}

describe("an approval that is pending when the connection is cut", () => {
  test("is answered after the outage by the handler that was asked before, once", async () => {
    const { command, made } = marker();
    const handler = waitingHandler();
    const thread = await askingThread(command);
    const { restored } = nextOutage(client);
    const run = thread.run("Touch it", { onApproval: handler.onApproval });
    await handler.wasAsked;
    const [before] = client.pendingRequests();
    proxy.cut();
    await restored;
    expect(client.pendingRequests().map(({ key }) => key)).toEqual([before?.key]);
    expect(made()).toBe(false);
    handler.answer("accept");
    expect(await run).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect(made()).toBe(true);
    expect(handler.contexts).toHaveLength(1);
    await expectUsable(thread);
  });

  test("takes an answer that was given during the outage", async () => {
    const { command, made } = marker();
    const handler = waitingHandler();
    const thread = await askingThread(command);
    const { dropped } = nextOutage(client);
    const run = thread.run("Touch it", { onApproval: handler.onApproval });
    await handler.wasAsked;
    proxy.shut();
    await dropped;
    handler.answer("accept");
    await new Promise(setImmediate);
    expect(made()).toBe(false);
    proxy.open();
    expect(await run).toMatchObject({ status: "completed" });
    expect(made()).toBe(true);
    expect(handler.contexts).toHaveLength(1);
  });

  test("gets its answer again when that was lost with the connection", async () => {
    const { command, made } = marker();
    const thread = await askingThread(command);
    const cut = proxy.cutAt("client", "before", /"decision":"accept"/);
    let asked = 0;
    const run = thread.run("Touch it", { onApproval: () => ((asked += 1), "accept") });
    await cut;
    expect(made()).toBe(false);
    expect(await run).toMatchObject({ status: "completed" });
    expect([made(), asked]).toEqual([true, 1]);
  });

  test("is not answered twice when only the news of the answer was lost", async () => {
    const { command, made } = marker();
    const thread = await askingThread(command);
    const cut = proxy.cutAt("client", "after", /"decision":"decline"/);
    let asked = 0;
    const run = thread.run("Touch it", { onApproval: () => ((asked += 1), "decline") });
    await cut;
    expect(await run).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect([made(), asked]).toEqual([false, 1]);
  });

  test("is over for us when somebody else answers it during the outage", async () => {
    const { command, made } = marker();
    const handler = waitingHandler();
    const thread = await askingThread(command, marker().command);
    const { dropped, restored } = nextOutage(client);
    const second = waitingHandler();
    let calls = 0;
    const run = thread.run("Touch it", {
      onApproval: (request, context) =>
        (calls += 1) === 1
          ? handler.onApproval(request, context)
          : second.onApproval(request, context),
    });
    await handler.wasAsked;
    proxy.shut();
    await dropped;
    await using other = await server.connect();
    const resolved = next(other, "serverRequest/resolved");
    await other.resumeThread(thread.id, { onApproval: () => defer() });
    while (other.pendingRequests().length === 0) await new Promise(setImmediate);
    const [open] = other.pendingRequests();
    other.respond(open?.key ?? "", "decline");
    await resolved;
    // The model goes on and asks for the next one, which has to be asked of us.
    proxy.open();
    await restored;
    await second.wasAsked;
    expect(handler.contexts[0]?.signal.reason).toMatchObject({ why: "resolved" });
    // Too late, and for nothing: it must not reach the second question.
    handler.answer("accept");
    await client.request("thread/read", { threadId: thread.id });
    expect(client.pendingRequests()).toHaveLength(1);
    second.answer("decline");
    expect(await run).toMatchObject({ status: "completed" });
    expect(made()).toBe(false);
    await other.close();
  });

  test("that came during the outage is asked after it", async () => {
    const { command, made } = marker();
    const gate = reply.hold();
    const thread = await client.startThread({ approvalPolicy: "untrusted" });
    model.enqueueFor(
      thread.id,
      [reply.commentary(["Wait", gate, "."]), command],
      reply.text("Ok."),
    );
    const { dropped } = nextOutage(client);
    let asked = 0;
    const run = thread.run("Touch it", { onApproval: () => ((asked += 1), "accept") });
    await gate.reached;
    proxy.shut();
    await dropped;
    await using other = await server.connect();
    const waits = next(
      other,
      "thread/status/changed",
      ({ threadId, status }) =>
        threadId === thread.id && JSON.stringify(status).includes("waitingOnApproval"),
    );
    gate.release();
    await waits;
    await other.close();
    proxy.open();
    expect(await run).toMatchObject({ status: "completed", finalResponse: "Ok." });
    expect([made(), asked]).toEqual([true, 1]);
  });

  test("of a sub-agent is answered after the outage, too", async () => {
    const { command, made } = marker();
    const handler = waitingHandler();
    const thread = await client.startThread({ approvalPolicy: "untrusted" });
    model.respond((request) => {
      if (request.parentThreadId === thread.id) {
        return request.toolOutputs.length > 0 ? reply.text("Touched.") : command;
      }
      const [spawned, waited] = request.toolOutputs;
      if (!spawned) return reply.spawnAgent("Touch it.");
      const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
      return waited ? reply.text("Done.") : reply.waitAgent([agentId]);
    });
    const { restored } = nextOutage(client);
    const run = thread.run("Have it touched", { onApproval: handler.onApproval });
    await handler.wasAsked;
    expect(handler.contexts[0]?.threadId).not.toBe(thread.id);
    proxy.cut();
    await restored;
    handler.answer("accept");
    expect(await run).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect(made()).toBe(true);
    expect(handler.contexts).toHaveLength(1);
    model.respond(undefined);
  });
});

test("a tool that runs when the connection is cut runs once, and its result arrives", async () => {
  let calls = 0;
  let finish!: (text: string) => void;
  let begin!: () => void;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const tool = defineTool({
    name: "build",
    description: "Builds it.",
    input: { type: "object", properties: {}, additionalProperties: false },
    execute: () => {
      calls += 1;
      begin();
      return new Promise<string>((resolve) => (finish = resolve));
    },
  });
  const thread = await client.startThread({ tools: [tool] });
  model.enqueueFor(thread.id, reply.functionCall("build"), reply.text("Done."));
  const { restored } = nextOutage(client);
  const run = thread.run("Build it");
  await begun;
  proxy.cut();
  await restored;
  finish("built");
  expect(await run).toMatchObject({ status: "completed", finalResponse: "Done." });
  expect(calls).toBe(1);
  const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
  expect(asked?.toolOutputs.at(-1)?.output).toContain("built");
});

test("commands, processes and watches end with the connection that they came from", async () => {
  const file = path.join(stage.project, "watched");
  const watch = client.watch(stage.project);
  const command = client.exec(["sleep", "600"]);
  await watch.ready;
  const { restored } = nextOutage(client);
  const ends = [command.exit, watch.next()].map((end) => end.catch((error: unknown) => error));
  await client.request("config/read", {});
  proxy.cut();
  for (const end of ends) expect(await end).toMatchObject({ reason: { kind: "dropped" } });
  await restored;
  await using second = client.watch(stage.project);
  await second.ready;
  await client.exec(["touch", file]).exit;
  expect((await second.next()).value?.changedPaths.join()).toContain("watched");
});
