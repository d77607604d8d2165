import { describe, expect, test } from "@jest/globals";
import {
  GoalDetachedError,
  HandleClosedError,
  ThreadNotFoundError,
  TransportClosedError,
  type TurnEvent,
} from "../../../../lib/index.js";
import { collect, settled } from "../../../support/collect.js";
import { GoalServer, goalRecord } from "../../goals/goal-server.js";
import { LinkedAnew } from "../../../support/linked-anew.js";
import {
  ResponseError,
  later,
  methodsSent,
  type LinkedServer,
} from "../../../support/linked-server.js";
import { rejection } from "../../../support/real.js";
import { storeTurns } from "../../../support/stored-turns.js";
import {
  agentMessage,
  opened,
  turnCompleted,
  turnRecord,
  turnStarted,
} from "../../../support/turn-messages.js";

const noRollout = () => {
  throw new ResponseError(-32_600, "no rollout found for thread id thread-1");
};
const gone = () => {
  throw new ResponseError(-32_600, "thread thread-1 already has an active writer");
};

/** A client with `thread-1`, whose later servers say of it what `resumed` says. */
async function withThread(
  resumed: (server: LinkedServer, index: number) => void = () => undefined,
) {
  const link = await LinkedAnew.start({
    prepare: (server, index) => {
      if (index > 0) resumed(server, index);
    },
  });
  const thread = await link.client.startThread();
  return { link, thread };
}

describe("when a connection is restored, its threads", () => {
  test("are resumed, all of them, before anything else is sent", async () => {
    const { link } = await withThread();
    await using held = link;
    for (let count = 0; count < 40; count += 1) await link.client.startThread();
    await link.drop();
    const waiting = link.client.request("config/read", {});
    await waiting;
    const { server } = held;
    expect(methodsSent(server).slice(0, 42)).toEqual([
      "initialize",
      ...Array.from({ length: 41 }, () => "thread/resume"),
    ]);
    expect(server.paramsOf("thread/resume")).toContainEqual({
      threadId: "thread-1",
      excludeTurns: true,
    });
    expect(new Set(server.paramsOf("thread/resume").map(({ threadId }) => threadId)).size).toBe(41);
  });

  test("are resumed sixteen at a time", async () => {
    const { link } = await withThread((server) => {
      server.handle("thread/resume", () => later);
    });
    await using held = link;
    for (let count = 0; count < 40; count += 1) await link.client.startThread();
    await link.drop();
    await new Promise<void>((resolve) => {
      const look = () => {
        if (held.server.paramsOf("thread/resume").length >= 16) resolve();
        else setImmediate(look);
      };
      look();
    });
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    expect(held.server.paramsOf("thread/resume")).toHaveLength(16);
  });

  test("whose turn ended meanwhile let the next one in", async () => {
    const { link, thread } = await withThread();
    await using held = link;
    link.server.send(turnStarted({ threadId: "thread-1", turnId: "foreign" }));
    await link.client.request("config/read", {});
    const turn = thread.turn("Next");
    await link.drop();
    await turn.started;
    expect(held.server.paramsOf("turn/start")).toHaveLength(1);
  });

  test("that still run a turn keep the next one waiting", async () => {
    const { link, thread } = await withThread((server) => {
      server.handle("thread/resume", () => opened("thread-1", { type: "active" }));
    });
    await using held = link;
    await link.drop();
    const turn = thread.turn("Next");
    await link.client.request("config/read", {});
    expect(held.server.paramsOf("turn/start")).toEqual([]);
    held.server.send(turnCompleted({ threadId: "thread-1", turnId: "foreign" }));
    await turn.started;
  });

  test("whose turn begins while they are resumed count as busy", async () => {
    const { link, thread } = await withThread((server) => {
      server.handle("thread/resume", () => {
        server.send(turnStarted({ threadId: "thread-1", turnId: "foreign" }));
        return opened("thread-1");
      });
    });
    await using held = link;
    await link.reconnect();
    const turn = thread.turn("Next");
    await link.client.request("config/read", {});
    expect(held.server.paramsOf("turn/start")).toEqual([]);
    held.server.send(turnCompleted({ threadId: "thread-1", turnId: "foreign" }));
    await turn.started;
  });

  test("offer the turn that somebody else has begun meanwhile, with what it did so far", async () => {
    const { link, thread } = await withThread((server) => {
      server.handle("thread/resume", () => opened("thread-1", { type: "active" }));
      server.handle("thread/turns/list", () => ({
        data: [turnRecord("theirs")],
        nextCursor: null,
      }));
      const item = agentMessage("msg-1", "Hello.");
      server.handle("thread/items/list", () => ({
        data: [{ turnId: "theirs", item }],
        nextCursor: null,
      }));
    });
    await using held = link;
    const turns = thread.unsolicitedTurns();
    const next = turns.next();
    await link.client.request("config/read", {});
    const server = await held.reconnect();
    const turn = (await next).value;
    if (!turn) throw new Error("No turn was offered.");
    expect(turn.id).toBe("theirs");
    const reading = collect(turn.stream());
    await server.nextRequest("thread/items/list");
    server.send(turnCompleted({ threadId: "thread-1", turnId: "theirs" }));
    expect((await reading).map(({ method }) => method)).toEqual([
      "turn/started",
      "connection/gap",
      "item/completed",
      "turn/completed",
    ]);
    expect(await turn.run()).toMatchObject({ finalResponse: "Hello." });
    await turns.return?.();
  });

  test("that cannot be resumed are no longer loaded, and resumed when they are used", async () => {
    let refuse = true;
    const { link, thread } = await withThread((server) => {
      server.handle("thread/resume", () => (refuse ? gone() : opened("thread-1")));
    });
    await using held = link;
    const told = link.client.notifications();
    await link.reconnect();
    expect(held.client.session.isLoaded("thread-1")).toBe(false);
    expect((await told.next()).value).toMatchObject({ method: "connection/dropped" });
    expect((await told.next()).value).toEqual({
      method: "connection/restored",
      params: { lostThreadIds: ["thread-1"] },
      emittedAtMs: expect.any(Number) as unknown,
    });
    refuse = false;
    await thread.turn("Again").started;
    expect(held.server.paramsOf("thread/resume")).toHaveLength(2);
  });

  test("that could not be resumed over a connection that broke meanwhile are told of, too", async () => {
    const { link } = await withThread((server, index) => {
      server.handle("thread/resume", ({ threadId }) =>
        threadId === "thread-1" ? gone() : opened("thread-2", { type: "active" }),
      );
      server.handle("thread/list", () => {
        if (index > 1) return { data: [] };
        server.crash();
        return later;
      });
    });
    await using held = link;
    held.server.handle("thread/start", () => opened("thread-2"));
    await held.client.startThread();
    const told = held.client.notifications();
    await held.reconnect();
    expect(held.servers).toHaveLength(3);
    await told.next();
    expect((await told.next()).value).toMatchObject({
      method: "connection/restored",
      params: { lostThreadIds: ["thread-1"] },
    });
    await held.reconnect();
    await told.next();
    expect((await told.next()).value).toMatchObject({ params: { lostThreadIds: [] } });
  });

  test("that never ran a turn are resumed behind the answer to their first one", async () => {
    const { link, thread } = await withThread((server) => {
      let stored = false;
      server.handle("thread/resume", () => (stored ? opened("thread-1") : noRollout()));
      server.handle("thread/read", () => opened("thread-1"));
      server.handle("turn/start", () => {
        stored = true;
        return { turn: { id: "turn-7" } };
      });
      server.handle("thread/turns/list", () => ({ data: [], nextCursor: null }));
    });
    await using held = link;
    const { server } = { server: await link.reconnect() };
    const turn = thread.turn("The first");
    expect(await turn.started).toEqual({ id: "turn-7" });
    expect(server.paramsOf("thread/resume")).toHaveLength(2);
    const methods = server.requests.map(({ method }) => method);
    expect(methods.lastIndexOf("thread/resume")).toBeGreaterThan(methods.indexOf("turn/start"));
    // It is a thread like any other from now on.
    const third = await held.reconnect();
    expect(third.paramsOf("thread/resume")).toHaveLength(1);
  });

  test.each([
    [-32_601, "list_turns is not supported yet"],
    [-32_603, "failed to read thread: rollout at /home/user/one.jsonl is empty"],
  ])(
    "that never ran a turn are resumed behind it when it is stored: %d %s",
    async (code, message) => {
      const { link, thread } = await withThread((server) => {
        const answers = [
          noRollout,
          () => {
            throw new ResponseError(code, message);
          },
        ];
        server.handle("thread/resume", () => (answers.shift() ?? (() => opened("thread-1")))());
        server.handle("thread/read", () => opened("thread-1"));
        server.handle("turn/start", () => ({ turn: { id: "turn-7" } }));
        server.handle("thread/turns/list", () => ({ data: [], nextCursor: null }));
      });
      await using held = link;
      await link.reconnect();
      expect(await thread.turn("The first").started).toEqual({ id: "turn-7" });
      expect(held.server.paramsOf("thread/resume")).toHaveLength(3);
    },
  );

  test("that never ran a turn, and cannot be resumed behind it, have that turn interrupted", async () => {
    const { link, thread } = await withThread((server) => {
      server.handle("thread/resume", noRollout);
      server.handle("thread/read", () => opened("thread-1"));
      server.handle("turn/start", () => ({ turn: { id: "turn-7" } }));
    });
    await using held = link;
    await link.reconnect();
    const error = await rejection(thread.run("The first"));
    expect(error).toMatchObject({ code: "PROTOCOL_ERROR", cause: { code: "THREAD_NOT_FOUND" } });
    const { params } = await held.server.nextRequest("turn/interrupt");
    expect(params).toEqual({ threadId: "thread-1", turnId: "turn-7" });
  });

  test("that never ran a turn refuse what would run one that nobody could follow", async () => {
    const { link, thread } = await withThread((server) => {
      server.handle("thread/resume", noRollout);
      server.handle("thread/read", () => opened("thread-1"));
    });
    await using held = link;
    await link.reconnect();
    const error = await rejection(thread.compact().run());
    expect(error).toBeInstanceOf(ThreadNotFoundError);
    expect(held.server.paramsOf("thread/compact/start")).toEqual([]);
  });

  test("that are ephemeral are lost: the server can resume none of them", async () => {
    const { link } = await withThread((server) => {
      server.handle("thread/resume", noRollout);
      server.handle("thread/read", () => ({ thread: { id: "thread-1", ephemeral: true } }));
    });
    await using held = link;
    await link.reconnect();
    expect(held.client.session.isLoaded("thread-1")).toBe(false);
  });

  test("have their sub-agents resumed under their own sandbox, which the server tells of them only", async () => {
    const readOnly = { type: "readOnly" };
    const { link } = await withThread((server) => {
      server.handle("thread/resume", ({ threadId }) => ({
        ...opened(threadId as string, { type: threadId === "thread-1" ? "active" : "idle" }),
        sandbox: readOnly,
      }));
      server.handle("thread/list", () => ({
        data: [{ id: "child", parentThreadId: "thread-1", status: { type: "active" } }],
      }));
    });
    await using held = link;
    const threadSettings = { sandboxPolicy: readOnly };
    link.server.notify("thread/settings/updated", { threadId: "thread-1", threadSettings });
    await link.client.request("config/read", {});
    const server = await held.reconnect();
    expect(server.paramsOf("thread/resume")).toMatchObject([
      { threadId: "thread-1", sandbox: "read-only" },
      { threadId: "child", sandbox: "read-only" },
    ]);
  });

  test("have their running sub-agents resumed, however many there are", async () => {
    const record = (index: number) => {
      const status = { type: index === 250 ? "active" : "idle" };
      return { id: `child-${index}`, parentThreadId: "thread-1", status };
    };
    const { link } = await withThread((server) => {
      server.handle("thread/resume", ({ threadId }) =>
        opened(threadId as string, { type: threadId === "thread-1" ? "active" : "idle" }),
      );
      server.handle("thread/list", ({ cursor, limit }) => {
        const from = Number(cursor ?? 0);
        const to = from + Number(limit);
        const data = Array.from({ length: 300 }, (_, index) => record(index)).slice(from, to);
        return { data, nextCursor: to < 300 ? String(to) : null };
      });
    });
    await using held = link;
    const server = await held.reconnect();
    const resumed = server.paramsOf("thread/resume").map(({ threadId }) => threadId);
    expect(resumed).toEqual(["thread-1", "child-250"]);
  });

  test("are told apart from the sub-agents of other threads", async () => {
    const asked: unknown[] = [];
    const { link } = await withThread((server) => {
      server.handle("thread/resume", ({ threadId }) =>
        opened(threadId as string, { type: "active" }),
      );
      server.handle("thread/list", (params) => {
        asked.push(params);
        const record = (id: string, parentThreadId: string | null, type = "active") => ({
          ...{ id, parentThreadId, status: { type } },
        });
        return {
          data: [
            record("child", "thread-1"),
            record("grandchild", "child"),
            record("done", "thread-1", "idle"),
            record("stranger", "thread-9"),
            record("another", null),
          ],
        };
      });
    });
    await using held = link;
    await link.reconnect();
    const resumed = held.server.paramsOf("thread/resume").map(({ threadId }) => threadId);
    expect(resumed.sort()).toEqual(["child", "grandchild", "thread-1"]);
    expect(asked[0]).toMatchObject({ ancestorThreadId: "thread-1" });
  });
});

describe("what belongs to one connection ends with it:", () => {
  const dropped = expect.objectContaining({ reason: expect.objectContaining({ kind: "dropped" }) });

  test("commands, processes, watches and searches", async () => {
    await using link = await LinkedAnew.start();
    link.server.handle("command/exec", () => later);
    const { client } = link;
    const exec = client.exec(["sleep", "9"]);
    const spawned = client.spawn(["sleep", "9"], { cwd: "/home" });
    const watch = client.watch("/home");
    const search = client.fileSearch();
    await Promise.all([watch.ready, search.ready, link.server.nextRequest("command/exec")]);
    await link.server.nextRequest("process/spawn");
    const read = [watch.next(), search.next()].map((each) => rejection(each));
    await link.drop();
    for (const each of [exec.exit, spawned.exit]) expect(await rejection(each)).toEqual(dropped);
    for (const each of read) expect(await each).toEqual(dropped);
    expect(await rejection(search.update("more"))).toEqual(dropped);
    // Nothing is stopped on the new connection that was not begun on it.
    await Promise.all([watch.close(), search.close(), client.request("config/read", {})]);
    expect(link.server.paramsOf("fs/unwatch")).toEqual([]);
    await using second = client.watch("/home");
    await second.ready;
    expect(link.server.paramsOf("fs/watch")).toHaveLength(1);
    await watch.close();
    await expect(second.close()).resolves.toBeUndefined();
    await expect(search.update("x")).rejects.not.toBeInstanceOf(HandleClosedError);
  });

  test("logins, and what is heard of settings", async () => {
    await using link = await LinkedAnew.start();
    const { client } = link;
    link.server.handle("account/login/start", () => ({
      ...{ type: "chatgpt", loginId: "login-1", authUrl: "https://login.example" },
    }));
    const login = await client.login.browser();
    const skills = client.apps.updates();
    const pending = [login.wait(), skills.next()].map((each) => rejection(each));
    await link.client.request("config/read", {});
    await link.drop();
    for (const each of pending) expect(await each).toEqual(dropped);
  });

  test("goals, of which the server does not tell what they did meanwhile", async () => {
    await using link = await LinkedAnew.start();
    const goals = new GoalServer(link.server);
    const thread = await link.client.startThread();
    const goal = thread.runGoal("Reach it");
    await goal.started;
    goals.start("turn-1");
    const ends = [goal.run(), goal.run()].map((each) => rejection(each));
    await link.drop();
    for (const end of ends) {
      expect(await end).toBeInstanceOf(GoalDetachedError);
      expect((await end).cause).toEqual(dropped);
    }
    await link.client.session.available();
    // The thread is free for others.
    expect(await thread.turn("Something else").started).toEqual({ id: "turn-1" });
  });

  test.each(["turn/interrupt", "thread/goal/set"])(
    "goals that are being stopped, but they go on being stopped: %s was cut off",
    async (method) => {
      const runsTurn = method === "turn/interrupt";
      const goals: GoalServer[] = [];
      await using link = await LinkedAnew.start({
        prepare: (server, index) => {
          const each = new GoalServer(server);
          goals.push(each);
          if (index === 0) return;
          each.goal = goalRecord();
          if (!runsTurn) return;
          each.begin("turn-1");
          server.handle("thread/resume", () => opened("thread-1", { type: "active" }));
          storeTurns(server, { turns: [turnRecord("turn-1")] });
        },
      });
      const thread = await link.client.startThread();
      const goal = thread.runGoal("Reach it");
      await goal.started;
      goals[0]?.start("turn-1");
      if (!runsTurn) goals[0]?.end();
      await settled();
      link.server.handle(method, () => later);
      const run = rejection(goal.run());
      const interrupting = goal.interrupt();
      while (link.server.requests.at(-1)?.method !== method) await settled();
      const server = await link.reconnect();
      expect((await server.nextRequest("thread/goal/set")).params).toEqual({
        threadId: "thread-1",
        status: "paused",
      });
      await interrupting;
      expect(await run).toBeInstanceOf(GoalDetachedError);
      await goal.interrupt();
      expect(goals[1]).toMatchObject({ goal: { status: "paused" }, running: undefined });
      expect(link.client.session.turns.size).toBe(0);
    },
  );

  test("but not what is about threads, nor listeners", async () => {
    await using link = await LinkedAnew.start({ retryOnOverload: true });
    const thread = await link.client.startThread();
    const names: unknown[] = [];
    link.client.on("thread/name/updated", ({ params }) => names.push(params.threadName));
    const turns = thread.unsolicitedTurns();
    const next = turns.next();
    const all = link.client.notifications();
    await link.client.request("config/read", {});
    const server = await link.reconnect();
    server.notify("thread/name/updated", { threadId: "thread-1", threadName: "new" });
    server.send(turnStarted({ threadId: "thread-1", turnId: "theirs" }));
    const turn = (await next).value;
    expect(turn?.id).toBe("theirs");
    server.send(turnCompleted({ threadId: "thread-1", turnId: "theirs" }));
    const events: TurnEvent[] = [];
    for await (const event of turn?.stream() ?? []) events.push(event);
    expect(events.map(({ method }) => method)).toEqual(["turn/started", "turn/completed"]);
    expect(names).toEqual(["new"]);
    const seen = [];
    for await (const { method } of all) {
      seen.push(method);
      if (method === "turn/completed") break;
    }
    expect(seen).toEqual([
      "connection/dropped",
      "connection/restored",
      "thread/name/updated",
      "turn/started",
      "turn/completed",
    ]);
    await turns.return?.();
  });

  test("and what waits for the connection gets the next one's", async () => {
    await using link = await LinkedAnew.start();
    await link.drop();
    const { connectionSignal } = link.client.session;
    expect(connectionSignal.aborted).toBe(false);
    await link.client.session.available();
    expect(link.client.session.connectionSignal).toBe(connectionSignal);
    await link.client.close();
    expect(connectionSignal.reason).toBeInstanceOf(TransportClosedError);
  });
});
