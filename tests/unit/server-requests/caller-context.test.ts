import { describe, expect, jest, test } from "@jest/globals";
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { Deferred } from "../../../lib/async/deferred.js";
import { defer, type RequestHandlers, type Thread } from "../../../lib/index.js";
import type { Tool } from "../../../lib/tools/tool.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { linked, ResponseError, type LinkedServer } from "../../support/linked-server.js";
import { opened, turnCompleted, turnRecord } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

/** Whose request this is, as a web server's middleware would keep it. */
const user = new AsyncLocalStorage<string>();

/** Notes in whose name its handlers and tools run. */
class Witness {
  readonly seen: unknown[] = [];

  see(): void {
    this.seen.push(user.getStore());
  }

  handlers(): RequestHandlers {
    const approve = async () => {
      await Promise.resolve();
      this.see();
      return "accept" as const;
    };
    return { onApproval: { command: approve } };
  }

  tool(): Tool {
    const execute = async () => {
      this.see();
      await new Promise((resolve) => setTimeout(resolve, 1));
      this.see();
      return "done";
    };
    return { name: "weather", description: "-", inputSchema: { type: "object" }, execute };
  }
}

async function stage(options: RequestHandlers = {}) {
  const pair = await user.run("client", () => linked(options));
  return { ...pair, asking: new Asking(pair.server), witness: new Witness() };
}

/** Starts a turn in somebody's name, and waits until the server has it. */
async function startTurn(name: string, thread: Thread, options: RequestHandlers = {}) {
  const turn = user.run(name, () => thread.turn("Hi", options));
  const { id } = await turn.started;
  return { turn, id };
}

function end(server: LinkedServer, turnId: string, threadId = "thread-1"): void {
  server.send(turnCompleted({ threadId, turnId }));
}

describe("a handler runs in the context of the call that started the turn", () => {
  test.each(["client", "thread", "turn"] as const)("that was given to the %s", async (scope) => {
    const witness = new Witness();
    const given = (where: string) => (where === scope ? witness.handlers() : {});
    await using pair = await stage(given("client"));
    const thread = await user.run("first", () => pair.client.startThread(given("thread")));
    for (const name of ["second", "third"]) {
      const { turn, id } = await startTurn(name, thread, given("turn"));
      await pair.asking.answer(methods.command, { ...requests.command, turnId: id });
      end(pair.server, id);
      await turn.run();
    }
    expect(witness.seen).toEqual(["second", "third"]);
  });

  test("and so does a tool, from its first line to its last", async () => {
    await using pair = await stage();
    const { witness } = pair;
    const thread = await user.run("first", () =>
      pair.client.startThread({ tools: [witness.tool()] }),
    );
    const { id } = await startTurn("second", thread);
    await pair.asking.answer(methods.toolCall, { ...requests.toolCall, turnId: id });
    expect(witness.seen).toEqual(["second", "second"]);
  });

  test("also what listens to its signal, for a handler that leaves the answer to respond()", async () => {
    const witness = new Witness();
    await using pair = await stage({
      onApproval: (_, { signal }) => {
        signal.addEventListener("abort", () => {
          witness.see();
        });
        return defer();
      },
    });
    const thread = await pair.client.startThread();
    const { id } = await startTurn("second", thread);
    pair.asking.ask(methods.command, { ...requests.command, turnId: id });
    await pair.asking.answered();
    user.run("somebody else", () => {
      end(pair.server, id);
    });
    await pair.asking.answered();
    expect(witness.seen).toEqual(["second"]);
  });

  test("when it asks before its start has been answered, and before it has a name", async () => {
    const witness = new Witness();
    const onCurrentTime = () => {
      witness.see();
      return new Date();
    };
    await using pair = await stage({ ...witness.handlers(), onCurrentTime });
    const thread = await pair.client.startThread();
    user.run("second", () => thread.compact());
    await pair.server.nextRequest("thread/compact/start");
    await pair.asking.answer("currentTime/read", { threadId: "thread-1" });
    expect(witness.seen).toEqual(["second"]);
  });

  test("of a handle that has joined the turn, in that of its own call", async () => {
    await using pair = await stage();
    const { witness } = pair;
    const others = new Witness();
    const thread = await user.run("first", () => pair.client.startThread(others.handlers()));
    const { id } = await startTurn("second", thread);
    pair.server.send({
      method: "turn/started",
      params: { threadId: "thread-1", turn: turnRecord(id) },
    });
    pair.server.handle("turn/start", () => ({ turn: turnRecord(id) }));
    const options = { ...witness.handlers(), whenBusy: "steer" as const };
    const joined = user.run("third", () => thread.turn("And", options));
    await joined.started;
    await pair.asking.answer(methods.command, { ...requests.command, turnId: id });
    expect(witness.seen).toEqual(["third"]);
    expect(others.seen).toEqual([]);
  });
});

describe("of a turn that no handle follows, that is the call which had the server start it", () => {
  test("a request by hand", async () => {
    const witness = new Witness();
    await using pair = await stage(witness.handlers());
    await pair.client.startThread();
    const params = { threadId: "thread-1", input: [] };
    const { turn } = await user.run("second", () => pair.client.request("turn/start", params));
    await pair.asking.answer(methods.command, { ...requests.command, turnId: turn.id });
    end(pair.server, turn.id);
    await pair.asking.answer(methods.command, { ...requests.command, turnId: "another" });
    expect(witness.seen).toEqual(["second", "client"]);
  });

  const goal = (status: string) => ({
    threadId: "thread-1",
    objective: "It",
    status,
    tokenBudget: null,
    tokensUsed: 0,
    timeUsedSeconds: 0,
    createdAt: 0,
    updatedAt: 0,
  });

  test("a goal, as long as it is active", async () => {
    const witness = new Witness();
    await using pair = await stage(witness.handlers());
    const thread = await user.run("first", () => pair.client.startThread());
    pair.server.handle("thread/goal/set", () => ({ goal: goal("active") }));
    await user.run("second", () => thread.goal.set({ objective: "It" }));
    for (const turnId of ["goal-1", "goal-2"]) {
      await pair.asking.answer(methods.command, { ...requests.command, turnId });
      end(pair.server, turnId);
    }
    pair.server.notify("thread/goal/updated", {
      threadId: "thread-1",
      turnId: null,
      goal: goal("complete"),
    });
    await pair.asking.answer(methods.command, { ...requests.command, turnId: "other" });
    expect(witness.seen).toEqual(["second", "second", "client"]);
  });

  test("not that of the goal, when another client's message is the first item of the turn", async () => {
    const witness = new Witness();
    await using pair = await stage(witness.handlers());
    const thread = await pair.client.startThread();
    pair.server.handle("thread/goal/set", () => ({ goal: goal("active") }));
    await user.run("second", () => thread.goal.set({ objective: "It" }));
    pair.server.notify("item/started", userMessage("foreign", null));
    await pair.asking.answer(methods.command, { ...requests.command, turnId: "foreign" });
    expect(witness.seen).toEqual(["client"]);
  });

  test("input in the server's queue, each in the name of its own call", async () => {
    const witness = new Witness();
    await using pair = await stage(witness.handlers());
    const thread = await pair.client.startThread();
    let count = 0;
    pair.server.handle("thread/queue/list", () => ({ data: [], nextCursor: null }));
    pair.server.handle("thread/queue/add", () => ({
      queuedSubmission: { id: `q-${(count += 1)}` },
    }));
    for (const name of ["second", "third"]) {
      const params = { threadId: thread.id, input: [], clientUserMessageId: `of ${name}` };
      await user.run(name, () => pair.client.request("thread/queue/add", params));
    }
    for (const name of ["third", "second"]) {
      pair.server.notify("item/started", userMessage(`turn of ${name}`, `of ${name}`));
      await pair.asking.answer(methods.command, { ...requests.command, turnId: `turn of ${name}` });
      end(pair.server, `turn of ${name}`);
    }
    expect(witness.seen).toEqual(["third", "second"]);
  });
});

const userMessage = (turnId: string, clientId: string | null) => ({
  threadId: "thread-1",
  turnId,
  item: { type: "userMessage", id: "m", clientId, content: [] },
  startedAtMs: 0,
});

describe("a sub-agent's requests", () => {
  const spawned = (turnId: string) => ({
    threadId: "thread-1",
    turnId,
    startedAtMs: 0,
    item: {
      type: "collabAgentToolCall",
      id: "spawn",
      tool: "spawnAgent",
      status: "inProgress",
      senderThreadId: "thread-1",
      receiverThreadIds: ["child"],
      prompt: "-",
      agentsStates: {},
    },
  });

  test("run in the context of the parent's turn, also with a handler of their own thread", async () => {
    await using pair = await stage();
    const { witness } = pair;
    const thread = await user.run("first", () => pair.client.startThread(witness.handlers()));
    const { id } = await startTurn("second", thread);
    pair.server.notify("item/started", spawned(id));
    const ofChild = { ...requests.command, threadId: "child", turnId: "child-turn" };
    await pair.asking.answer(methods.command, ofChild);
    const own = new Witness();
    const child = user.run("third", () => pair.client.thread("child", own.handlers()));
    await child.read().catch(() => undefined);
    await pair.asking.answer(methods.command, { ...ofChild, itemId: "another" });
    expect(witness.seen).toEqual(["second"]);
    expect(own.seen).toEqual(["second"]);
  });

  test("still do when the parent's turn is over", async () => {
    await using pair = await stage();
    const { witness } = pair;
    const thread = await user.run("first", () => pair.client.startThread(witness.handlers()));
    const { turn, id } = await startTurn("second", thread);
    pair.server.notify("item/started", spawned(id));
    pair.server.notify("item/started", { ...userMessage("child-turn", null), threadId: "child" });
    end(pair.server, id);
    await turn.run();
    const ofChild = { ...requests.command, threadId: "child", turnId: "child-turn" };
    await pair.asking.answer(methods.command, ofChild);
    expect(witness.seen).toEqual(["second"]);
    end(pair.server, "child-turn", "child");
    await pair.asking.answer(methods.command, { ...ofChild, turnId: "later" });
    expect(witness.seen).toEqual(["second", "first"]);
  });
});

describe("where no turn of ours is known, a handler runs in the context in which it was given", () => {
  test("with the options, to a thread, and with handle()", async () => {
    const ofClient = new Witness();
    const ofThread = new Witness();
    const added = new Witness();
    await using pair = await stage(ofClient.handlers());
    await pair.client.startThread();
    const thread = user.run("second", () => pair.client.thread("thread-2", ofThread.handlers()));
    await thread.read().catch(() => undefined);
    await pair.asking.answer(methods.command, { ...requests.command, threadId: "thread-2" });
    await pair.asking.answer(methods.command, requests.command);
    user.run("third", () =>
      pair.client.handle("test/unknown/thing", () => {
        added.see();
        return {};
      }),
    );
    await pair.asking.answer("test/unknown/thing", {});
    expect([ofThread.seen, ofClient.seen, added.seen]).toEqual([["second"], ["client"], ["third"]]);
  });

  test("also when somebody looks on at the turn", async () => {
    const witness = new Witness();
    await using pair = await stage(witness.handlers());
    const thread = await pair.client.startThread();
    const turns = user.run("looks on", () => thread.unsolicitedTurns());
    const first = turns.next();
    await pair.server.nextRequest("initialize").catch(() => undefined);
    await pair.asking.answered();
    pair.server.notify("turn/started", { threadId: "thread-1", turn: turnRecord("foreign") });
    expect((await first).done).toBe(false);
    await pair.asking.answer(methods.command, { ...requests.command, turnId: "foreign" });
    expect(witness.seen).toEqual(["client"]);
    await turns.return?.();
  });
});

describe("listeners run in the context in which they were registered", () => {
  test("of notifications and of the connection's status, whoever makes it happen", async () => {
    const pair = await stage();
    const seen: unknown[] = [];
    const listen = () => {
      seen.push(user.getStore());
    };
    user.run("second", () => pair.client.on("warning", listen));
    user.run("third", () => pair.client.on("warning", listen));
    user.run("fourth", () => pair.client.onConnectionStatus(listen));
    pair.server.notify("warning", { threadId: null, message: "-" });
    await pair.asking.answered();
    await user.run("somebody else", () => pair.client.close());
    expect(seen).toEqual(["second", "third", "fourth"]);
  });
});

test("a consumer iterates in its own context, whoever has started the turn and read its events", async () => {
  await using pair = await stage();
  const thread = await pair.client.startThread();
  const { turn, id } = await startTurn("second", thread);
  const seen: unknown[] = [];
  const consumed = user.run("third", async () => {
    for await (const event of turn) seen.push([event.method, user.getStore()]);
    seen.push(user.getStore());
  });
  end(pair.server, id);
  await consumed;
  expect(seen).toEqual([["turn/completed", "third"], "third"]);
});

describe("over a connection that was restored", () => {
  async function restored() {
    const witness = new Witness();
    let ended = false;
    const link = await user.run("client", () =>
      LinkedAnew.start({
        ...witness.handlers(),
        prepare: (server) => {
          const status = { type: ended ? "idle" : "active", activeFlags: [] };
          server.handle("thread/resume", () => opened("thread-1", status));
        },
      }),
    );
    const thread = await user.run("first", () => link.client.startThread());
    const turn = user.run("second", () => thread.turn("Hi"));
    const { id } = await turn.started;
    const reconnect = async (isOver: boolean): Promise<Asking> => {
      ended = isOver;
      await user.run("somebody else", () => link.reconnect());
      return new Asking(link.server);
    };
    return { link, witness, id, reconnect, [Symbol.asyncDispose]: () => link.client.close() };
  }

  test("a turn's requests still run in the name of its call", async () => {
    await using pair = await restored();
    const asking = await pair.reconnect(false);
    await asking.answer(methods.command, { ...requests.command, turnId: pair.id });
    expect(pair.witness.seen).toEqual(["second"]);
  });

  test("and listeners in theirs, whoever lost it", async () => {
    await using pair = await restored();
    const seen: unknown[] = [];
    user.run("third", () => pair.link.client.onConnectionStatus(() => seen.push(user.getStore())));
    user.run("third", () => pair.link.client.on("warning", () => seen.push(user.getStore())));
    const asking = await pair.reconnect(false);
    pair.link.server.notify("warning", { threadId: null, message: "-" });
    await asking.answered();
    expect(new Set(seen)).toEqual(new Set(["third"]));
    expect(seen.length).toBeGreaterThanOrEqual(3);
  });
});

test("onRetry runs in the context of the call that is repeated", async () => {
  const seen: unknown[] = [];
  const onRetry = () => {
    seen.push(user.getStore());
  };
  const retryOnOverload = { minTimeoutMs: 1, maxTimeoutMs: 1, onRetry };
  await using pair = await user.run("client", () => linked({ retryOnOverload }));
  let refusals = 4;
  pair.server.handle("account/read", () => {
    if ((refusals -= 1) >= 0) throw new ResponseError(-32_001, "busy");
    return {};
  });
  await Promise.all(
    ["first", "second"].map((name) =>
      user.run(name, () => pair.client.request("account/read", {})),
    ),
  );
  expect(seen.sort()).toEqual(["first", "first", "second", "second"]);
});

test("a time limit ends a turn in its own context, also for what listens to a handler's signal", async () => {
  const witness = new Witness();
  const asked = new Deferred<void>();
  const aborted = new Promise<void>((resolve) => {
    witness.handlers = () => ({
      onApproval: (_, { signal }) => {
        asked.resolve();
        signal.addEventListener("abort", () => {
          witness.see();
          resolve();
        });
        return new Promise(() => undefined);
      },
    });
  });
  await using pair = await stage(witness.handlers());
  const thread = await pair.client.startThread();
  pair.server.handle("turn/interrupt", ({ turnId }) => {
    end(pair.server, String(turnId));
    return {};
  });
  const timeoutMs = 987_654;
  let timeIsUp = (): void => undefined;
  const set = globalThis.setTimeout;
  const timers = jest
    .spyOn(globalThis, "setTimeout")
    .mockImplementation((callback: () => void, ms?: number) => {
      // As a timer would, in the context in which it was set.
      if (ms === timeoutMs) timeIsUp = AsyncResource.bind(callback);
      return set(callback, ms);
    });
  const turn = user.run("second", () => thread.turn("Hi", { timeoutMs }));
  timers.mockRestore();
  const { id } = await turn.started;
  pair.server.notify("turn/started", { threadId: "thread-1", turn: turnRecord(id) });
  pair.asking.ask(methods.command, { ...requests.command, turnId: id });
  await asked.promise;
  timeIsUp();
  await expect(turn.run()).rejects.toMatchObject({ code: "TURN_TIMEOUT" });
  await aborted;
  expect(witness.seen).toEqual(["second"]);
});
