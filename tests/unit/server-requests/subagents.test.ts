import { describe, expect, test } from "@jest/globals";
import { SubagentTree } from "../../../lib/session/subagent-tree.js";
import { Threads } from "../../../lib/session/threads.js";
import type { RequestHandlers } from "../../../lib/index.js";
import type { NotificationMessage } from "../../../lib/jsonrpc/message.js";
import { linked, ResponseError } from "../../support/linked-server.js";
import { turnCompleted } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

type Fields = Record<string, unknown>;

function item(fields: Fields, ids: Fields = {}, method = "item/completed") {
  return { method, params: { threadId: "thread-1", turnId: "turn-1", item: fields, ...ids } };
}

function spawned(child: string, ids: Fields = {}) {
  return collab("spawnAgent", [child], ids);
}

function collab(tool: string, receiverThreadIds: unknown, ids: Fields = {}) {
  return item({ type: "collabAgentToolCall", id: "call", tool, receiverThreadIds }, ids);
}

function activity(kind: string, agentThreadId: unknown) {
  return item({ type: "subAgentActivity", id: "call", kind, agentThreadId });
}

const parent = { threadId: "thread-1", turnId: "turn-1" };

/** What a session learns of sub-agents from its notifications. */
class Family {
  readonly threads = new Threads(() => Promise.resolve([]));
  readonly #tree = new SubagentTree(this.threads, () => Promise.reject(new Error("not asked")));

  observe(message: NotificationMessage): void {
    this.#tree.observe(message);
    this.threads.observe(message);
  }

  parentOf(threadId: string) {
    return this.#tree.parentOf(threadId);
  }

  rootTurnOf(threadId: string) {
    return this.threads.find(threadId)?.rootTurnId;
  }
}

describe("who is whose sub-agent is learned", () => {
  test.each([
    ["the item that spawns it", spawned("child")],
    ["the item that resumes it", collab("resumeAgent", ["child"])],
    ["its activity", activity("started", "child")],
  ])("from %s", (_, message) => {
    const tree = new Family();
    tree.observe(message);
    expect(tree.parentOf("child")).toEqual(parent);
    expect(tree.parentOf("thread-1")).toBeUndefined();
  });

  test("from the start of its thread, without the turn", () => {
    const tree = new Family();
    const thread = { id: "child", parentThreadId: "thread-1" };
    tree.observe({ method: "thread/started", params: { thread } });
    expect(tree.parentOf("child")).toEqual({ threadId: "thread-1", turnId: undefined });
    tree.observe(spawned("child"));
    tree.observe({ method: "thread/started", params: { thread } });
    expect(tree.parentOf("child")).toEqual(parent);
  });

  test("and the turn that speaks to it last is its parent's", () => {
    const tree = new Family();
    tree.observe(spawned("child"));
    tree.observe(collab("sendInput", ["child"], { turnId: "turn-2" }));
    expect(tree.parentOf("child")).toEqual({ threadId: "thread-1", turnId: "turn-2" });
  });

  test("but agents that only speak to each other are not each other's", () => {
    const tree = new Family();
    tree.observe(spawned("one"));
    tree.observe(spawned("two"));
    tree.observe(collab("sendMessage", ["two", "thread-1"], { threadId: "one", turnId: "turn-9" }));
    tree.observe(activity("interacted", "three"));
    expect(tree.parentOf("two")).toEqual(parent);
    expect(tree.parentOf("thread-1")).toBeUndefined();
    expect(tree.parentOf("three")).toBeUndefined();
  });

  test("and never in a circle", () => {
    const tree = new Family();
    tree.observe(spawned("child"));
    tree.observe(spawned("grandchild", { threadId: "child", turnId: "turn-2" }));
    tree.observe(spawned("thread-1", { threadId: "grandchild", turnId: "turn-3" }));
    tree.observe(spawned("self", { threadId: "self" }));
    expect(tree.parentOf("thread-1")).toBeUndefined();
    expect(tree.parentOf("self")).toBeUndefined();
  });

  test("and what is odd is passed over", () => {
    const tree = new Family();
    for (const odd of [null, 7, {}, { type: "collabAgentToolCall" }, { type: "agentMessage" }]) {
      tree.observe(item(odd as Fields));
    }
    tree.observe(collab("spawnAgent", [7, null]));
    tree.observe(activity("started", 7));
    tree.observe(item({ type: "subAgentActivity" }, { threadId: undefined }));
    tree.observe({ method: "thread/started", params: { thread: { id: "child" } } });
    tree.observe({ method: "turn/started", params: { threadId: "child" } });
    tree.observe({ method: "turn/completed", params: { threadId: "child" } });
    expect(tree.threads.size).toBe(0);
  });

  test("and forgotten when the thread or its parent is gone", () => {
    const tree = new Family();
    for (const method of ["thread/closed", "thread/archived", "thread/deleted"]) {
      tree.observe(spawned("one"));
      tree.observe(spawned("two"));
      tree.observe({ method, params: { threadId: "one" } });
      expect([tree.parentOf("one"), tree.parentOf("two")]).toEqual([undefined, parent]);
      tree.observe({ method, params: { threadId: "thread-1" } });
      expect(tree.threads.size).toBe(0);
    }
  });

  test("the turn that a sub-agent's turn works for is known while that runs", () => {
    const tree = new Family();
    const turn = { id: "turn-2", rootTurnId: "turn-1" };
    tree.observe({ method: "turn/started", params: { threadId: "child", turn } });
    tree.observe({
      method: "turn/started",
      params: { threadId: "own", turn: { ...turn, id: "turn-1" } },
    });
    expect([tree.rootTurnOf("child"), tree.rootTurnOf("own")]).toEqual(["turn-1", undefined]);
    tree.observe({ method: "turn/completed", params: { threadId: "child", turn } });
    expect(tree.rootTurnOf("child")).toBeUndefined();
  });
});

/** A running turn on a thread, each with handlers of its own. */
async function stage(
  handlers: Partial<Record<"client" | "thread" | "turn", RequestHandlers>>,
  thread: Fields | Error = { id: "child", parentThreadId: "thread-1" },
) {
  const pair = await linked(handlers.client);
  pair.server.handle("thread/read", () => {
    if (thread instanceof Error) throw thread;
    return { thread };
  });
  const opened = await pair.client.startThread(handlers.thread ?? {});
  await opened.turn("Hi", handlers.turn ?? {}).started;
  const asking = new Asking(pair.server);
  const decide = async (ids: Fields = {}) => {
    const params = { ...requests.command, threadId: "child", turnId: "turn-c", ...ids };
    const { result } = await asking.answer(methods.command, params);
    return (result as { decision: string }).decision;
  };
  return { ...pair, asking, decide };
}

const client: RequestHandlers = { onApproval: () => "cancel" };
const accept: RequestHandlers = { onApproval: "accept" };
const session: RequestHandlers = { onApproval: "acceptForSession" };

describe("a sub-agent's request", () => {
  test("falls to the handlers of its parent's turn, then of its parent's thread", async () => {
    for (const [turn, thread, decision] of [
      [accept, session, "accept"],
      [{}, session, "acceptForSession"],
      [{}, {}, "cancel"],
    ] as const) {
      await using pair = await stage({ client, thread, turn });
      pair.server.send(spawned("child"));
      expect(await pair.decide()).toBe(decision);
      expect(pair.server.paramsOf("thread/read")).toEqual([]);
    }
  });

  test("falls to its own thread's handlers first", async () => {
    await using pair = await stage({ client, thread: session, turn: session });
    pair.server.send(spawned("child"));
    await pair.client.resumeThread("child", accept);
    expect(await pair.decide()).toBe("accept");
  });

  test("climbs as many generations as there are", async () => {
    await using pair = await stage({ client, turn: accept });
    pair.server.send(
      spawned("child"),
      spawned("grandchild", { threadId: "child", turnId: "turn-c" }),
    );
    expect(await pair.decide({ threadId: "grandchild", turnId: "turn-g" })).toBe("accept");
  });

  test("that comes before the item that names the sub-agent makes us ask the server, once", async () => {
    await using pair = await stage({ client, thread: accept });
    expect(await pair.decide()).toBe("accept");
    expect(await pair.decide({ itemId: "item-2" })).toBe("accept");
    expect(pair.server.paramsOf("thread/read")).toEqual([{ threadId: "child" }]);
  });

  test("then finds its parent's turn by the turn that it works for", async () => {
    await using pair = await stage({ client, thread: session, turn: accept });
    const turn = { id: "turn-c", rootTurnId: "turn-1" };
    pair.server.notify("turn/started", { threadId: "child", turn });
    expect(await pair.decide()).toBe("accept");
  });

  test("of a thread that has no parent falls to the client, and the server is asked once", async () => {
    await using pair = await stage(
      { client, thread: accept },
      { id: "child", parentThreadId: null },
    );
    expect(await pair.decide()).toBe("cancel");
    expect(await pair.decide({ itemId: "item-2" })).toBe("cancel");
    expect(pair.server.paramsOf("thread/read")).toHaveLength(1);
  });

  test("falls to the client when the server cannot tell, which is asked again", async () => {
    await using pair = await stage({ client, thread: accept }, new ResponseError(-32_600, "no"));
    expect(await pair.decide()).toBe("cancel");
    expect(await pair.decide({ itemId: "item-2" })).toBe("cancel");
    expect(pair.server.paramsOf("thread/read")).toHaveLength(2);
  });

  test("makes nobody ask when only the client has handlers", async () => {
    await using pair = await linked(client);
    const params = { ...requests.command, threadId: "child" };
    const answer = await new Asking(pair.server).answer(methods.command, params);
    expect(answer).toEqual({ result: { decision: "cancel" } });
    expect(pair.server.paramsOf("thread/read")).toEqual([]);
  });

  test("after the parent's turn falls to the parent's thread", async () => {
    await using pair = await stage({ client, thread: session, turn: accept });
    pair.server.send(spawned("child"), turnCompleted(parent));
    expect(await pair.decide()).toBe("acceptForSession");
  });

  test("is cut short by the end of its own turn, not of its parent's", async () => {
    const signals: AbortSignal[] = [];
    await using pair = await stage({
      turn: { onApproval: (_, { signal }) => (signals.push(signal), new Promise(() => undefined)) },
    });
    pair.server.send(spawned("child"));
    const params = { ...requests.command, threadId: "child", turnId: "turn-c" };
    pair.asking.ask(methods.command, params);
    await pair.asking.answered();
    pair.server.send(turnCompleted(parent));
    await pair.asking.answered();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    pair.server.send(turnCompleted({ threadId: "child", turnId: "turn-c" }));
    await pair.asking.answered();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
