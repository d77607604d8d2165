import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  AppServerClient,
  ServerDrainingError,
  type ApprovalHandler,
  type RequestContext,
  type TurnEvent,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { CuttingProxy } from "../support/cutting-proxy.js";
import { ListeningServer } from "../support/listening-server.js";
import { nextOutage } from "../support/outage.js";
import { heard, next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let server: ListeningServer;

beforeEach(async () => {
  stage = await RealStage.open();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});

const reconnect = { minDelayMs: 10, maxDelayMs: 100, retries: Infinity };

describe("a server that is drained while a turn runs", () => {
  test("takes no new turn, ends the running one, and its replacement tells how it ended", async () => {
    server = await ListeningServer.start(stage);
    const client = await server.connect({ reconnect });
    const thread = await client.startThread();
    const other = await client.startThread();
    const gate = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["One ", gate, "two."]));
    const turn = thread.turn("Count");
    const events: TurnEvent[] = [];
    const reading = (async () => {
      for await (const event of turn) events.push(event);
    })();
    await gate.reached;
    server.drain();
    // It does not tell that it drains: it shows by refusing.
    const refusals: unknown[] = [];
    while (refusals.length === 0) {
      await other.run("Hello?").catch((error: unknown) => refusals.push(error));
    }
    expect(refusals[0]).toBeInstanceOf(ServerDrainingError);
    gate.release();
    await server.exited;
    await server.restart();
    await reading;
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "One two." });
    expect(events.filter(({ method }) => method === "turn/completed")).toHaveLength(1);
    stage.model.enqueueFor(thread.id, reply.text("And on."));
    expect(await thread.run("Go on")).toMatchObject({ finalResponse: "And on." });
  });
});

describe("a server that is killed and started again", () => {
  test("has interrupted the turn, with what it had completed", async () => {
    server = await ListeningServer.start(stage);
    const client = await server.connect({ reconnect });
    const thread = await client.startThread();
    const gate = reply.hold();
    const file = path.join(stage.project, "made");
    stage.model.enqueueFor(
      thread.id,
      reply.shell(`touch ${file}`),
      reply.text(["Half a ", gate, "sentence."]),
    );
    const said = heard(client, thread);
    const turn = thread.turn("Work");
    await Promise.all([gate.reached, said]);
    await server.kill();
    await server.restart();
    const result = await turn.run();
    expect(result.status).toBe("interrupted");
    expect(result.items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["userMessage", "commandExecution"]),
    );
    gate.release();
    stage.model.enqueueFor(thread.id, reply.text("And on."));
    expect(await thread.run("Go on")).toMatchObject({ finalResponse: "And on." });
  });

  test("gets no answer that was meant for the one before", async () => {
    server = await ListeningServer.start(stage);
    const answers: ((answer: "accept") => void)[] = [];
    const contexts: RequestContext[] = [];
    let asked!: () => void;
    let wasAsked = new Promise<void>((resolve) => (asked = resolve));
    const onApproval: ApprovalHandler = (_, context) => {
      contexts.push(context);
      asked();
      return new Promise((resolve) => answers.push(resolve));
    };
    const client = await server.connect({ reconnect, onApproval });
    const first = path.join(stage.project, "first");
    const second = path.join(stage.project, "second");
    const thread = await client.startThread({ approvalPolicy: "untrusted" });
    stage.model.enqueueFor(thread.id, reply.shell(`touch ${first}`));
    const run = thread.run("Touch it");
    await wasAsked;
    const { dropped } = nextOutage(client);
    await server.kill();
    await dropped;
    // Given while nobody is there to take it.
    answers[0]?.("accept");
    wasAsked = new Promise<void>((resolve) => (asked = resolve));
    await server.restart();
    expect((await run).status).toBe("interrupted");
    stage.model.enqueueFor(thread.id, reply.shell(`touch ${second}`), reply.text("Done."));
    const again = thread.run("Touch the other");
    await wasAsked;
    // The new process counts from zero, as the old one did.
    expect(contexts[1]?.requestId).toBe(contexts[0]?.requestId);
    expect(existsSync(second)).toBe(false);
    expect(client.pendingRequests()).toHaveLength(1);
    client.respond(contexts[1]?.key ?? "", "decline");
    expect((await again).status).toBe("completed");
    expect([existsSync(first), existsSync(second)]).toEqual([false, false]);
  });

  test("on a unix socket is found again, too", async () => {
    server = await ListeningServer.start(stage, { listen: "unix" });
    const client = await server.connect({ reconnect });
    const thread = await client.startThread();
    stage.model.enqueueFor(thread.id, reply.text("One."), reply.text("Two."));
    await thread.run("Count");
    const { restored } = nextOutage(client);
    await server.kill();
    await server.restart();
    await restored;
    expect(await thread.run("Count on")).toMatchObject({ finalResponse: "Two." });
  });

  test("is given up when the client was told to reconnect only so often", async () => {
    server = await ListeningServer.start(stage);
    const client = await server.connect({
      reconnect: { retries: 2, minDelayMs: 1, maxDelayMs: 1 },
    });
    const pending = rejection(client.exec(["sleep", "60"]).exit);
    await client.request("config/read", {});
    await server.kill();
    expect(await pending).toMatchObject({ reason: { kind: "dropped" } });
    expect(await client.closed).toMatchObject({ kind: "failed" });
    expect(await rejection(client.request("config/read", {}))).toMatchObject({
      code: "TRANSPORT_CLOSED",
      cause: { code: "CONNECT_FAILED", retryable: true },
    });
  });

  test("is not looked for by a client that shall not reconnect", async () => {
    server = await ListeningServer.start(stage);
    const client = await server.connect({ reconnect: false });
    await server.kill();
    expect((await client.closed).kind).not.toBe("dropped");
    expect(client.connectionStatus.state).toBe("closed");
  });
});

describe("two clients of one server", () => {
  test("of whom one only looks on: the other's approvals are its own", async () => {
    server = await ListeningServer.start(stage);
    const observer = await server.connect({ reconnect });
    const decided = await server.connect({ reconnect });
    const file = path.join(stage.project, "made");
    const thread = await decided.startThread({
      approvalPolicy: "untrusted",
      onApproval: async () => {
        // Long enough for a hasty refusal of the other to arrive first.
        await observer.request("config/read", {});
        await observer.request("thread/read", { threadId: thread.id });
        return "accept" as const;
      },
    });
    stage.model.enqueueFor(thread.id, reply.shell(`touch ${file}`), reply.text("Done."));
    const seen = next(observer, "thread/status/changed", ({ threadId }) => threadId === thread.id);
    expect(await thread.run("Touch it")).toMatchObject({ status: "completed" });
    await seen;
    expect(existsSync(file)).toBe(true);
    expect(observer.pendingRequests()).toEqual([]);
  });

  test("that are both on a thread: one answers, the other learns of it", async () => {
    server = await ListeningServer.start(stage);
    const [one, other] = [await server.connect({ reconnect }), await server.connect({ reconnect })];
    const file = path.join(stage.project, "made");
    const signals: AbortSignal[] = [];
    let asked!: () => void;
    const wasAsked = new Promise<void>((resolve) => (asked = resolve));
    const thread = await one.startThread({
      approvalPolicy: "untrusted",
      onApproval: (_, { signal }) => {
        signals.push(signal);
        asked();
        return new Promise(() => undefined);
      },
    });
    stage.model.enqueueFor(thread.id, reply.text("Ready."));
    await thread.run("Are you there?");
    let offered!: (decide: () => void) => void;
    const offer = new Promise<() => void>((resolve) => (offered = resolve));
    await other.resumeThread(thread.id, {
      onApproval: () =>
        new Promise((resolve) => {
          offered(() => {
            resolve("accept");
          });
        }),
    });
    stage.model.enqueueFor(thread.id, reply.shell(`touch ${file}`), reply.text("Done."));
    const run = thread.run("Touch it");
    await wasAsked;
    (await offer)();
    expect(await run).toMatchObject({ status: "completed" });
    expect(existsSync(file)).toBe(true);
    expect(signals[0]?.reason).toMatchObject({ why: "resolved" });
  });
});

test("a client of a server behind a proxy asks for its token anew at every attempt", async () => {
  server = await ListeningServer.start(stage);
  await using proxy = await CuttingProxy.start(server.target);
  let tokens = 0;
  const client = await AppServerClient.connect(proxy.url, {
    reconnect,
    token: () => `token-${(tokens += 1)}`,
  });
  const { restored } = nextOutage(client);
  proxy.cut();
  await restored;
  expect(tokens).toBe(2);
  await client.close();
});
