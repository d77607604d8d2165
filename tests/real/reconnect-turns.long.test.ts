import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  AppServerClient,
  type Thread,
  type Turn,
  type TurnEvent,
  type TurnResult,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { CuttingProxy } from "../support/cutting-proxy.js";
import { ListeningServer } from "../support/listening-server.js";
import { nextOutage } from "../support/outage.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let server: ListeningServer;
let proxy: CuttingProxy;
let client: AppServerClient;

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

/** Follows a turn in every way there is. */
function follow(turn: Turn) {
  const events: TurnEvent[] = [];
  const done = (async () => {
    for await (const event of turn) events.push(event);
  })();
  const result = turn.run();
  return {
    events,
    /** Resolves when an event of this method has come. */
    async until(method: string, fits: (event: TurnEvent) => boolean = () => true): Promise<void> {
      while (!events.some((event) => event.method === method && fits(event))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async end(): Promise<TurnResult> {
      await done;
      return result;
    },
  };
}

/** What must hold of every turn, wherever its connection was cut. */
function expectSound(events: readonly TurnEvent[], result: TurnResult, text: string): void {
  expect(result).toMatchObject({ status: "completed", finalResponse: text, error: null });
  const ids = result.items.map(({ id, type }) => `${type} ${id}`);
  expect(new Set(ids).size).toBe(ids.length);
  const completed = events.flatMap((event) =>
    event.method === "item/completed" ? [event.params.item.id] : [],
  );
  expect(completed).toEqual(result.items.map(({ id }) => id));
  expect(result.items[0]?.type).toBe("userMessage");
  const methods = events.map(({ method }) => method);
  expect(methods.filter((method) => method === "turn/started").length).toBeLessThanOrEqual(1);
  expect(methods.filter((method) => method === "turn/completed")).toEqual(["turn/completed"]);
  expect(methods.at(-1)).toBe("turn/completed");
  const started = events.flatMap((event) =>
    event.method === "item/started" ? [event.params.item.id] : [],
  );
  expect(new Set(started).size).toBe(started.length);
}

/** The thread goes on as if nothing had happened. */
async function expectUsable(thread: Thread): Promise<void> {
  model.enqueueFor(thread.id, reply.text("Still here."));
  const { finalResponse, status } = await thread.run("And now?");
  expect([status, finalResponse]).toEqual(["completed", "Still here."]);
}

async function started(): Promise<Thread> {
  const thread = await client.startThread({ approvalPolicy: "untrusted" });
  model.enqueueFor(thread.id, reply.text("Ready."));
  await thread.run("Are you there?");
  return thread;
}

const answerToStart = /"result":\{"turn":\{"id"/;
const askedFor = (thread: Thread) =>
  model.requests.filter(({ threadId }) => threadId === thread.id).length;

describe("a turn whose connection is cut", () => {
  test.each([
    ["before it is sent", "client", "before", /"method":"turn\/start"/],
    ["right behind its start, before the answer", "client", "after", /"method":"turn\/start"/],
    ["at the answer to its start, which is lost", "server", "before", answerToStart],
    ["behind the answer to its start", "server", "after", answerToStart],
    ["at its first event", "server", "before", /"method":"turn\/started"/],
    ["behind its first item", "server", "after", /"method":"item\/completed".*"userMessage"/],
    ["in the middle of its text", "server", "after", /"method":"item\/agentMessage\/delta"/],
    ["before its last item is told", "server", "before", /"method":"item\/completed".*agentMess/],
    ["before its end is told", "server", "before", /"method":"turn\/completed"/],
    ["behind its end", "server", "after", /"method":"turn\/completed"/],
  ] as const)("%s comes to its end", async (_, sender, when, pattern) => {
    const thread = await started();
    model.enqueueFor(thread.id, reply.text(["One ", "two ", "three."]));
    const { restored } = nextOutage(client);
    const cut = proxy.cutAt(sender, when, pattern);
    const turn = follow(thread.turn("Count"));
    await cut;
    const result = await turn.end();
    await restored;
    expectSound(turn.events, result, "One two three.");
    expect(askedFor(thread)).toBe(2);
    expect(proxy.connections).toBe(2);
    await expectUsable(thread);
  });

  test("before it is sent, as the first of its thread, is sent again", async () => {
    const thread = await client.startThread();
    model.enqueueFor(thread.id, reply.text(["One ", "two."]));
    const cut = proxy.cutAt("client", "before", /"method":"turn\/start"/);
    const turn = follow(thread.turn("Count"));
    await cut;
    expectSound(turn.events, await turn.end(), "One two.");
    expect(askedFor(thread)).toBe(1);
    await expectUsable(thread);
  });

  test("behind its start, as the first of its thread, is found again", async () => {
    const thread = await client.startThread();
    model.enqueueFor(thread.id, reply.text(["One ", "two."]));
    const cut = proxy.cutAt("client", "after", /"method":"turn\/start"/);
    const turn = follow(thread.turn("Count"));
    await cut;
    expectSound(turn.events, await turn.end(), "One two.");
    expect(askedFor(thread)).toBe(1);
    await expectUsable(thread);
  });

  test("in the middle of its text, and goes on afterwards, tells of the gap and loses no text", async () => {
    const thread = await started();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["One ", "two ", gate, "three ", "four."]));
    const { restored } = nextOutage(client);
    const handle = thread.turn("Count");
    const turn = follow(handle);
    await turn.until("item/agentMessage/delta", (event) => JSON.stringify(event).includes("two"));
    proxy.cut();
    await restored;
    await turn.until("connection/gap");
    gate.release();
    const result = await turn.end();
    expectSound(turn.events, result, "One two three four.");
    const gap = turn.events.find(({ method }) => method === "connection/gap");
    const message = result.items.find(({ type }) => type === "agentMessage");
    expect(gap?.params).toMatchObject({ itemIds: [message?.id] });
  });

  test("in the middle of its text gives the whole text to those who read only that", async () => {
    const thread = await started();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["One ", "two ", gate, "three."]));
    const { restored } = nextOutage(client);
    const texts: string[] = [];
    const turn = thread.turn("Count");
    const reading = (async () => {
      for await (const text of turn.textStream()) {
        texts.push(text);
        if (texts.length === 2) proxy.cut();
      }
    })();
    await restored;
    gate.release();
    await reading;
    expect(texts.join("")).toBe("One two three.");
    expect((await turn.run()).finalResponse).toBe("One two three.");
  });

  test("and that ends while nobody is connected is complete nevertheless", async () => {
    const thread = await started();
    const gate = reply.hold();
    const file = path.join(stage.project, "made-meanwhile");
    model.enqueueFor(
      thread.id,
      [reply.text(["One ", gate, "two."], { phase: "commentary" }), reply.shell(`touch ${file}`)],
      reply.text("Done."),
    );
    const { restored } = nextOutage(client);
    const turn = follow(thread.turn("Work", { approvalPolicy: "never" }));
    await gate.reached;
    proxy.shut();
    gate.release();
    while (askedFor(thread) < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    proxy.open();
    await restored;
    const result = await turn.end();
    expectSound(turn.events, result, "Done.");
    expect(existsSync(file)).toBe(true);
    expect(result.items.map(({ type }) => type)).toEqual([
      "userMessage",
      "agentMessage",
      "commandExecution",
      "agentMessage",
    ]);
  });

  test("while a command of it runs has the command once, with its output", async () => {
    const thread = await started();
    const flag = path.join(stage.project, "go-on");
    model.enqueueFor(
      thread.id,
      reply.shell(`echo before; until [ -e ${flag} ]; do sleep 0.05; done; echo after`),
      reply.text("Done."),
    );
    const { restored } = nextOutage(client);
    const turn = follow(thread.turn("Work", { approvalPolicy: "never" }));
    await turn.until("item/started", (event) => JSON.stringify(event).includes("commandExecution"));
    proxy.cut();
    await restored;
    const { exitCode } = await client.exec(["touch", flag]).exit;
    expect(exitCode).toBe(0);
    const result = await turn.end();
    expectSound(turn.events, result, "Done.");
    const command = result.items.find(({ type }) => type === "commandExecution");
    expect(command).toMatchObject({ status: "completed", exitCode: 0 });
    expect(JSON.stringify(command)).toContain("after");
  });

  test("again and again, each time one message of the server later, comes to its end", async () => {
    const thread = await started();
    model.enqueueFor(thread.id, reply.text(["One ", "two ", "three ", "four."]));
    const first = proxy.cutAt("server", "after", /"method":"turn\/started"/);
    const turn = follow(thread.turn("Count"));
    await first;
    let cuts = 1;
    const ended = turn.end();
    const isCut = (behind: number) =>
      Promise.race([proxy.cutBehind(behind).then(() => true), ended.then(() => false)]);
    for (let behind = 1; await isCut(behind); behind += 1) cuts += 1;
    proxy.spare();
    expectSound(turn.events, await ended, "One two three four.");
    // The handshake, the thread and what was missed are a message each, at the least.
    expect(cuts).toBeGreaterThan(4);
    await expectUsable(thread);
    expect(proxy.connections).toBe(cuts + 1);
  });
});
