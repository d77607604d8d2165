import { describe, expect, test } from "@jest/globals";
import { defer, type ApprovalPreset, type RequestHandlers } from "../../../lib/index.js";
import { ThreadMemory } from "../../../lib/session/thread-memory.js";
import { linked, linkedThread } from "../../support/linked-server.js";
import { opened, turnCompleted, turnRecord } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

const turn = { threadId: "thread-1", turnId: "turn-1" };

const cancel = () => "cancel" as const;

const raw = (decision: "accept" | "decline") => ({ [methods.command]: () => ({ decision }) });

/** Handlers that say their name to whoever looks at `answered`. */
function named(name: string, answered: string[]): RequestHandlers {
  const note = <T>(value: T): T => {
    answered.push(name);
    return value;
  };
  return {
    onApproval: () => note("accept" as const),
    onUserInput: () => note({}),
    onElicitation: () => note("accept" as const),
    onCurrentTime: () => note(new Date()),
  };
}

async function settings(
  wide: RequestHandlers,
  narrow: RequestHandlers,
  narrowest: RequestHandlers,
) {
  const pair = await linked(wide);
  const thread = await pair.client.startThread(narrow);
  const running = thread.turn("Hi", narrowest);
  await running.started;
  return { ...pair, asking: new Asking(pair.server), thread };
}

describe("the narrowest scope that has a handler answers", () => {
  test.each(["command", "userInput", "form", "url", "time"] as const)("for %s", async (kind) => {
    const answered: string[] = [];
    const client = named("client", answered);
    const thread = named("thread", answered);
    const own = named("turn", answered);
    for (const [wide, narrow, narrowest] of [
      [client, thread, own],
      [client, thread, {}],
      [client, {}, {}],
      [client, {}, own],
      [{}, {}, {}],
    ] as const) {
      await using pair = await settings(wide, narrow, narrowest);
      await pair.asking.answer(methods[kind], requests[kind]);
    }
    expect(answered).toEqual(["turn", "thread", "client", "turn"]);
  });

  test("also for methods by name, which go before the typed ones of the same scope only", async () => {
    const raw = (decision: "accept" | "cancel") => ({ [methods.command]: () => ({ decision }) });
    await using first = await settings({}, { onApproval: "decline", handlers: raw("accept") }, {});
    expect(await first.asking.answer(methods.command, requests.command)).toEqual({
      result: { decision: "accept" },
    });
    await using second = await settings(
      { handlers: raw("cancel") },
      { handlers: raw("cancel") },
      { onApproval: "acceptForSession" },
    );
    expect(await second.asking.answer(methods.command, requests.command)).toEqual({
      result: { decision: "acceptForSession" },
    });
  });

  test("for each type of approval by itself", async () => {
    await using pair = await settings(
      { onApproval: "decline" },
      { onApproval: { fileChange: "accept" } },
      { onApproval: { command: "acceptForSession" } },
    );
    const decisions = [];
    for (const kind of ["command", "fileChange", "permissions"] as const) {
      const { result } = await pair.asking.answer(methods[kind], requests[kind]);
      decisions.push(result);
    }
    expect(decisions).toEqual([
      { decision: "acceptForSession" },
      { decision: "accept" },
      { permissions: {}, scope: "turn" },
    ]);
  });

  test("and a narrow one that defers keeps it from the wider ones", async () => {
    await using pair = await settings({ onApproval: "accept" }, {}, { onApproval: () => defer() });
    pair.asking.ask(methods.command, requests.command, "deferred");
    expect(await pair.asking.answered()).toEqual([]);
    expect(pair.client.pendingRequests()).toMatchObject([{ deferred: true }]);
  });

  test("but a turn's own handlers are of no use to another turn of its thread", async () => {
    await using pair = await settings({}, { onApproval: "accept" }, { onApproval: cancel });
    const other = { ...requests.command, turnId: "turn-of-somebody-else" };
    expect(await pair.asking.answer(methods.command, other)).toEqual({
      result: { decision: "accept" },
    });
  });

  test("nor a thread's to another thread", async () => {
    await using pair = await settings({}, { onApproval: "accept" }, {});
    await pair.client.startThread();
    const other = { ...requests.command, threadId: "thread-2" };
    expect(await pair.asking.answer(methods.command, other)).toEqual({
      result: { decision: "decline" },
    });
  });

  test("and after the end of the turn its handlers are gone", async () => {
    await using pair = await settings({}, { onApproval: "accept" }, { onApproval: cancel });
    pair.server.send(turnCompleted(turn));
    expect(await pair.asking.answer(methods.command, requests.command)).toEqual({
      result: { decision: "accept" },
    });
  });

  test("of two handles on one turn, the one that joined last", async () => {
    await using pair = await settings({}, {}, { onApproval: cancel });
    // The server takes a turn/start on a busy thread as steering.
    pair.server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    const joined = pair.thread.turn("More", { whenBusy: "steer", onApproval: "accept" });
    await joined.started;
    expect(joined.id).toBe("turn-1");
    expect(await pair.asking.answer(methods.command, requests.command)).toEqual({
      result: { decision: "accept" },
    });
  });
});

describe("a request that comes before the answer that names its turn", () => {
  const accept = { result: { decision: "accept" } };

  /** A turn that has been asked for and not been named. */
  async function unnamed(handlers: RequestHandlers, wide: RequestHandlers = {}) {
    const pair = await linkedThread(wide);
    const started = new Promise<() => void>((resolve) => {
      pair.server.handle("turn/start", () => {
        return new Promise((answer) => {
          resolve(() => {
            answer({ turn: { id: "turn-1", status: "inProgress", items: [] } });
          });
        });
      });
    });
    const running = pair.thread.turn("Hi", handlers);
    return { ...pair, running, asking: new Asking(pair.server), name: await started };
  }

  test("waits for it, and reaches the turn's handler", async () => {
    await using pair = await unnamed({ onApproval: "accept" }, { onApproval: cancel });
    const id = pair.asking.ask(methods.command, requests.command);
    expect(await pair.asking.answered()).toEqual([]);
    pair.name();
    expect(await pair.asking.answerTo(id)).toEqual(accept);
  });

  test("waits for it, and falls to the thread's when it is of another turn", async () => {
    await using pair = await unnamed({ onApproval: cancel }, { onApproval: "accept" });
    const id = pair.asking.ask(methods.command, { ...requests.command, turnId: "turn-0" });
    pair.name();
    expect(await pair.asking.answerTo(id)).toEqual(accept);
  });
});

describe("a thread's handlers", () => {
  const decisionOn = async (asking: Asking) => {
    const { result } = await asking.answer(methods.command, requests.command);
    return (result as { decision: string }).decision;
  };

  test("are given to startThread, resumeThread, forkThread and fork", async () => {
    await using pair = await linked({ onApproval: cancel });
    const asking = new Asking(pair.server);
    pair.server.handle("thread/fork", () => opened("thread-1"));
    const onApproval = "accept" as const;
    const thread = await pair.client.startThread({ onApproval, model: "mock-model" });
    expect(await decisionOn(asking)).toBe("accept");
    await pair.client.resumeThread("thread-1", { onApproval: "acceptForSession" });
    expect(await decisionOn(asking)).toBe("acceptForSession");
    await pair.client.forkThread("thread-0", { onApproval: "decline" });
    expect(await decisionOn(asking)).toBe("decline");
    await thread.fork({ onApproval });
    expect(await decisionOn(asking)).toBe("accept");
    const sent = ["thread/start", "thread/resume", "thread/fork"].flatMap((method) =>
      pair.server.paramsOf(method),
    );
    expect(sent.map((params) => Object.keys(params))).toEqual([
      ["model"],
      ["excludeTurns", "threadId"],
      ["excludeTurns", "threadId"],
      ["excludeTurns", "threadId"],
    ]);
  });

  test("are in force before a request right behind the answer that opens the thread", async () => {
    await using pair = await linked();
    const asking = new Asking(pair.server);
    pair.server.handle("thread/resume", (params, request) => {
      expect(params).toMatchObject({ threadId: "thread-1" });
      pair.server.sendTogether([
        { id: request.id, result: opened("thread-1", { type: "active", activeFlags: [] }) },
        { id: "replayed", method: methods.command, params: requests.command },
      ]);
      // The answer is sent; a second one to the same id is dropped.
      return opened("thread-1");
    });
    await pair.client.resumeThread("thread-1", { onApproval: "accept" });
    expect(await asking.answerTo("replayed")).toEqual({ result: { decision: "accept" } });
  });

  test("of a handle made with thread(id) hold from its first use on", async () => {
    await using pair = await linkedThread({ onApproval: cancel });
    const asking = new Asking(pair.server);
    const handle = pair.client.thread("thread-1", { onApproval: "accept" });
    expect(await decisionOn(asking)).toBe("cancel");
    await handle.turn("Hi").started;
    expect(await decisionOn(asking)).toBe("accept");
  });

  test("that a later handle gives go before those of an earlier one, which keeps the others", async () => {
    await using pair = await linked();
    const asking = new Asking(pair.server);
    const first = await pair.client.startThread({
      onApproval: "accept",
      onUserInput: () => ({ colour: "red" }),
      handlers: { "currentTime/read": () => ({ currentTimeAt: 1 }) },
    });
    const second = pair.client.thread("thread-1", {
      onApproval: "acceptForSession",
      handlers: { "item/tool/call": () => ({ contentItems: [], success: true }) },
    });
    await second.turn("Hi").started;
    pair.server.send(turnCompleted(turn));
    await first.turn("Hi").started;
    expect(await decisionOn(asking)).toBe("acceptForSession");
    expect(await asking.answer(methods.userInput, requests.userInput)).toEqual({
      result: { answers: { colour: { answers: ["red"] } } },
    });
    expect(await asking.answer(methods.time, requests.time)).toEqual({
      result: { currentTimeAt: 1 },
    });
  });

  test("that refuse are not erased by a later handle that is about another kind", async () => {
    await using pair = await linked({ onApproval: "accept" });
    const asking = new Asking(pair.server);
    const first = await pair.client.startThread({ onApproval: { fileChange: "decline" } });
    const second = pair.client.thread("thread-1", { onApproval: { command: "decline" } });
    await second.turn("Hi").started;
    pair.server.send(turnCompleted(turn));
    await first.turn("Hi").started;
    expect(await asking.answer(methods.fileChange, requests.fileChange)).toEqual({
      result: { decision: "decline" },
    });
    expect(await decisionOn(asking)).toBe("decline");
  });

  test.each([
    ["a preset over a method's", { handlers: raw("accept") }, { onApproval: "decline" }],
    ["a function over a method's", { handlers: raw("accept") }, { onApproval: () => "decline" }],
    ["one of a method over a preset", { onApproval: "accept" }, { handlers: raw("decline") }],
    ["nothing by a key that is undefined", { onApproval: "decline" }, { onApproval: undefined }],
    [
      "nothing by a type that is undefined",
      { onApproval: "decline" },
      { onApproval: { command: undefined } },
    ],
    [
      "nothing by a method that is undefined",
      { handlers: raw("decline") },
      { handlers: { [methods.command]: undefined } },
    ],
  ] as const)("of a later handle replace by kind: %s", async (_, older, newer) => {
    await using pair = await linked({ onApproval: "accept" });
    const asking = new Asking(pair.server);
    await pair.client.startThread(older);
    await pair.client.resumeThread("thread-1", newer);
    expect(await decisionOn(asking)).toBe("decline");
  });

  test("that decide commands keep methods of the first protocol from wider handlers", async () => {
    const approved = () => ({ decision: "approved" }) as const;
    await using pair = await linked({
      handlers: { execCommandApproval: approved, applyPatchApproval: approved },
    });
    const asking = new Asking(pair.server);
    await pair.client.startThread({ onApproval: { command: "decline" } });
    const params = { conversationId: "thread-1", callId: "call-1" };
    expect(await asking.answer("execCommandApproval", params)).toMatchObject({
      result: { decision: { denied: {} } },
    });
    expect(await asking.answer("applyPatchApproval", params)).toEqual({
      result: { decision: "approved" },
    });
  });

  test("stay while the thread is archived, those of a newer handle in front", async () => {
    await using pair = await linked({ onApproval: "accept" });
    const asking = new Asking(pair.server);
    const first = await pair.client.startThread({ onApproval: "acceptForSession" });
    await pair.client.resumeThread("thread-1", { onApproval: "decline" });
    pair.server.notify("thread/archived", { threadId: "thread-1" });
    expect(await decisionOn(asking)).toBe("decline");
    await first.turn("Hi").started;
    expect(await decisionOn(asking)).toBe("decline");
  });

  test("are gone after thread/deleted", async () => {
    await using pair = await linked({ onApproval: cancel });
    const asking = new Asking(pair.server);
    const thread = await pair.client.startThread({ onApproval: "accept" });
    pair.server.notify("thread/deleted", { threadId: "thread-1" });
    expect(await decisionOn(asking)).toBe("cancel");
    // The handle brings them back when it is used.
    await thread.turn("Hi").started;
    expect(await decisionOn(asking)).toBe("accept");
  });

  test("stay while the thread is unloaded to be resumed with changes", async () => {
    await using pair = await linked({ onApproval: cancel });
    const asking = new Asking(pair.server);
    await pair.client.startThread({ onApproval: "accept" });
    pair.server.handle("thread/unsubscribe", () => {
      pair.server.notify("thread/closed", { threadId: "thread-1" });
      return { status: "unsubscribed" };
    });
    await pair.client.resumeThread("thread-1", { model: "other-model" });
    expect(pair.server.paramsOf("thread/unsubscribe")).toHaveLength(1);
    expect(await decisionOn(asking)).toBe("accept");
  });

  test("are kept for as many threads as are loaded, and for the latest 1,024", () => {
    const memory = new ThreadMemory();
    memory.isLoaded = (threadId) => Number(threadId) < 10;
    const scope = (preset: ApprovalPreset) => ({ handlers: { onApproval: preset } });
    for (let index = 0; index < 10_000; index += 1) memory.bind(`${index}`, scope("accept"));
    expect(memory.givenCount).toBeLessThanOrEqual(2_048 + 20);
    expect(["0", "9999", "5000"].map((id) => memory.has(id))).toEqual([true, true, false]);
  });

  test("of a newer handle are not lost when a thread that was dropped comes back by an older one", () => {
    const memory = new ThreadMemory();
    const tools = [[], [], []] as const;
    const [older, newer, latest] = tools.map((list) => ({ tools: list }));
    for (const scope of [older, newer]) memory.bind("thread", scope ?? {});
    for (let index = 0; index < 10_000; index += 1) memory.bind(`${index}`, {});
    expect(memory.has("thread")).toBe(false);
    memory.bind("thread", older ?? {});
    expect(memory.toolsOf("thread")).toBe(tools[1]);
    memory.delete("thread");
    memory.bind("thread", latest ?? {});
    memory.bind("thread", newer ?? {});
    expect(memory.toolsOf("thread")).toBe(tools[2]);
  });
});

describe("handle()", () => {
  test("answers a method until it is taken away, the latest first", async () => {
    await using pair = await linkedThread({ onApproval: cancel });
    const asking = new Asking(pair.server);
    const decision = async () => (await asking.answer(methods.command, requests.command)).result;
    const stop = pair.client.handle(methods.command, () => ({ decision: "accept" }));
    const same = () => ({ decision: "acceptForSession" }) as const;
    const stopFirst = pair.client.handle(methods.command, same);
    const stopSecond = pair.client.handle(methods.command, same);
    expect(await decision()).toEqual({ decision: "acceptForSession" });
    stopFirst();
    stopFirst();
    expect(await decision()).toEqual({ decision: "acceptForSession" });
    stopSecond();
    expect(await decision()).toEqual({ decision: "accept" });
    stop();
    expect(await decision()).toEqual({ decision: "cancel" });
  });

  test("goes behind what a thread has", async () => {
    await using pair = await linked();
    const asking = new Asking(pair.server);
    await pair.client.startThread({ onApproval: "accept" });
    pair.client.handle(methods.command, () => ({ decision: "cancel" }));
    expect(await asking.answer(methods.command, requests.command)).toEqual({
      result: { decision: "accept" },
    });
  });
});

test.each([
  ["onAttestation", { onAttestation: () => "token" }, true],
  ["a handler of the method", { handlers: { [methods.attestation]: () => ({ token: "" }) } }, true],
  ["neither", { onApproval: "accept" }, false],
] as const)(
  "the server is told that it may ask for attestation: with %s",
  async (_, options, told) => {
    await using pair = await linked(options);
    expect(pair.server.paramsOf("initialize")).toMatchObject([
      { capabilities: { requestAttestation: told } },
    ]);
  },
);
