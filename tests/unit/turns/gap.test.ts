import { describe, expect, test } from "@jest/globals";
import { collect, rejection, settled, streamedText } from "../../support/collect.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { later, type LinkedServer } from "../../support/linked-server.js";
import {
  endedTurn,
  missingMethod,
  storeTurns,
  type StoredTurns,
} from "../../support/stored-turns.js";
import {
  agentMessage,
  textMessages,
  turnCompleted,
  turnRecord,
  turnStarted,
  type Message,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const active = { type: "active", activeFlags: [] };

const started = (id: string): Message => item("item/started", agentMessage(id, ""));
const completed = (id: string, text: string): Message =>
  item("item/completed", agentMessage(id, text));
const delta = (itemId: string, text: string): Message => ({
  method: "item/agentMessage/delta",
  params: { ...ids, itemId, delta: text },
});
const gap = (...itemIds: string[]): Message => ({
  method: "connection/gap",
  params: { ...ids, itemIds },
});

function item(method: string, of: Params): Message {
  return { method, params: { ...ids, item: of } };
}

function stored(...messages: Message[]): StoredTurns["items"] {
  return messages.map(({ params }) => {
    const { item: of } = params as { item: Params };
    return { turnId: "turn-1", item: of, completedAtMs: 7 };
  });
}

/** The same as the missed event that is made of it. */
function told(message: Message): Message {
  return { ...message, params: { ...(message["params"] as Params), completedAtMs: 7 } };
}

interface Scene {
  /** What came before the connection was cut. */
  readonly before: readonly Message[];
  /** What the server has stored when it is back. */
  readonly store: Partial<StoredTurns>;
  /** What it sends as soon as the thread is resumed, before it is asked for anything. */
  readonly resumed?: readonly Message[];
  /** What it sends later. */
  readonly after?: readonly Message[];
  readonly prepare?: (server: LinkedServer) => void;
}

/** Plays a turn whose connection is cut and restored; gives its events and its text. */
async function play({ before, store, resumed = [], after = [], prepare }: Scene) {
  await using link = await LinkedAnew.start({
    prepare: (server, index) => {
      if (index === 0) return;
      storeTurns(server, store);
      server.handle("thread/resume", ({ threadId }, request) => {
        server.respond(request, { thread: { id: threadId, status: active, turns: [] } });
        server.send(...resumed);
        return later;
      });
      prepare?.(server);
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  link.server.send(turnStarted(ids), ...before);
  await settled();
  const server = await link.reconnect();
  await settled();
  server.send(...after);
  const [events, result] = await Promise.all([collect(turn), turn.run()]);
  expect(link.client.session.turns.size).toBe(0);
  expect(link.client.session.thread("thread-1").slots.isBusy).toBe(false);
  return { events: events.slice(1 + before.length), result, text: streamedText(events) };
}

const runs = [turnRecord("turn-1")];
const ended = [endedTurn("turn-1")];

describe("a turn that went on while the connection was away", () => {
  test("shows where events are missing, then what completed meanwhile, then the rest", async () => {
    const { events, result, text } = await play({
      before: [started("a"), delta("a", "One ")],
      store: { turns: runs, items: stored(completed("a", "One two."), completed("b", "Three.")) },
      after: [...textMessages({ ...ids, text: "Four." }, "c"), turnCompleted(ids)],
    });
    expect(events).toEqual([
      gap("a"),
      told(completed("a", "One two.")),
      told(completed("b", "Three.")),
      ...textMessages({ ...ids, text: "Four." }, "c"),
      turnCompleted(ids),
    ]);
    expect(result).toMatchObject({ status: "completed", finalResponse: "Four." });
    expect(result.items.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(text).toBe("One two.\n\nThree.\n\nFour.");
  });

  test("brings the rest of a message that still streams when it is complete", async () => {
    const { events, result, text } = await play({
      before: [started("a"), delta("a", "One ")],
      store: { turns: runs },
      resumed: [delta("a", "three ")],
      after: [delta("a", "four."), completed("a", "One two three four."), turnCompleted(ids)],
    });
    expect(events).toEqual([gap("a"), completed("a", "One two three four."), turnCompleted(ids)]);
    expect(text).toBe("One two three four.");
    expect(result).toMatchObject({ finalResponse: "One two three four." });
  });

  test("and the same of one whose start was missed", async () => {
    const { events, text } = await play({
      before: [],
      store: { turns: runs },
      resumed: [delta("a", "two ")],
      after: [delta("a", "three."), completed("a", "One two three."), turnCompleted(ids)],
    });
    expect(events).toEqual([gap(), completed("a", "One two three."), turnCompleted(ids)]);
    expect(text).toBe("One two three.");
  });

  test("tells no item twice, whether it comes as an event before or behind the list", async () => {
    const { events, result } = await play({
      before: [...textMessages({ ...ids, text: "Zero." }, "z")],
      store: {
        turns: runs,
        items: stored(completed("z", "Zero."), completed("a", "One."), completed("b", "Two.")),
      },
      resumed: [started("a"), delta("a", "One."), completed("a", "One.")],
      after: [completed("b", "Two."), turnCompleted(ids)],
    });
    expect(events).toEqual([
      gap(),
      told(completed("a", "One.")),
      told(completed("b", "Two.")),
      turnCompleted(ids),
    ]);
    expect(result.items.map(({ id }) => id)).toEqual(["z", "a", "b"]);
  });

  test("has in its result what was missed behind what had begun before, whenever that completes", async () => {
    const { result } = await play({
      before: [started("a"), delta("a", "One ")],
      store: { turns: runs, items: stored(completed("b", "Three.")) },
      after: [completed("a", "One two."), turnCompleted(ids)],
    });
    expect(result.items.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  test("lets deltas through of what starts behind the gap, and events without text anyway", async () => {
    const plan = { method: "turn/plan/updated", params: { ...ids, explanation: null, plan: [] } };
    const live = textMessages({ ...ids, text: "Three four." }, "c");
    const { events } = await play({
      before: [],
      store: { turns: runs },
      resumed: [plan, ...live.slice(0, 2)],
      after: [...live.slice(2), turnCompleted(ids)],
    });
    expect(events).toEqual([gap(), plan, ...live, turnCompleted(ids)]);
  });
});

describe("a turn that ended while the connection was away", () => {
  test("ends with what the server has stored, and without a gap when nothing is missing", async () => {
    const { events, result } = await play({
      before: [],
      store: { turns: ended, items: stored(completed("a", "One.")) },
    });
    expect(events).toEqual([
      told(completed("a", "One.")),
      {
        method: "turn/completed",
        params: { threadId: "thread-1", turn: { ...endedTurn("turn-1"), rootTurnId: null } },
      },
    ]);
    expect(result).toMatchObject({ status: "completed", finalResponse: "One.", durationMs: 3_000 });
  });

  test("says what was in progress, which the server may not have stored", async () => {
    const interrupted = endedTurn("turn-1", { status: "interrupted" });
    const { events, result } = await play({
      before: [started("a"), delta("a", "One ")],
      store: { turns: [interrupted] },
    });
    expect(events[0]).toEqual(gap("a"));
    expect(result).toMatchObject({ status: "interrupted", items: [{ id: "a", text: "One " }] });
  });

  test("ends once when its end also comes as an event", async () => {
    const { events, result } = await play({
      before: [],
      store: { turns: ended, items: stored(completed("a", "One.")) },
      resumed: [completed("a", "One."), turnCompleted(ids, { durationMs: 9 })],
      after: [turnCompleted(ids)],
    });
    expect(events).toEqual([told(completed("a", "One.")), turnCompleted(ids, { durationMs: 9 })]);
    expect(result.durationMs).toBe(9);
  });
});

test("a server that cannot tell what was missed leaves a gap, and the turn goes on", async () => {
  const { events, text } = await play({
    before: [started("a"), delta("a", "One ")],
    store: {},
    prepare: (server) => {
      server.handle("thread/turns/list", missingMethod);
      server.handle("thread/read", missingMethod);
    },
    after: [completed("a", "One two."), turnCompleted(ids)],
  });
  expect(events).toEqual([gap("a"), completed("a", "One two."), turnCompleted(ids)]);
  expect(text).toBe("One two.");
});

test("the history of an old runtime, whose items have other ids, tells the end alone", async () => {
  const { events, result } = await play({
    before: textMessages({ ...ids, text: "One." }, "a"),
    store: { turns: ended },
    prepare: (server) => {
      server.handle("thread/items/list", missingMethod);
    },
  });
  expect(events.map(({ method }) => method)).toEqual(["connection/gap", "turn/completed"]);
  expect(result).toMatchObject({ status: "completed", items: [{ id: "a" }] });
});

test("a connection that drops again while the server is asked loses nothing", async () => {
  await using link = await LinkedAnew.start({
    prepare: (server, index) => {
      server.handle("thread/resume", ({ threadId }) => ({
        thread: { id: threadId, status: active, turns: [] },
      }));
      if (index === 0) return;
      storeTurns(server, { turns: runs, items: stored(completed("a", "One.")) });
      if (index === 1) server.handle("thread/turns/list", () => later);
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  link.server.send(turnStarted(ids), started("a"));
  await settled();
  const second = await link.reconnect();
  await second.nextRequest("thread/turns/list");
  second.send(started("b"), delta("b", "Two"));
  await settled();
  expect(turn.state.openItems.map(({ id }) => id)).toEqual(["a"]);
  const third = await link.reconnect();
  await settled();
  third.send(completed("b", "Two three."), turnCompleted(ids));
  const events = (await collect(turn)).slice(2);
  expect(events).toEqual([
    gap("a"),
    told(completed("a", "One.")),
    started("b"),
    delta("b", "Two"),
    gap("b"),
    completed("b", "Two three."),
    turnCompleted(ids),
  ]);
  expect(streamedText(events)).toBe("One.\n\nTwo three.");
});

test("a connection that breaks while threads are resumed leaves a gap in what it brought", async () => {
  await using link = await LinkedAnew.start({
    prepare: (server, index) => {
      server.handle("thread/resume", ({ threadId }, request) => {
        const thread = { id: threadId, status: active, turns: [] };
        server.respond(request, { thread });
        if (index === 1) server.send(started("b"), delta("b", "One"));
        return later;
      });
      if (index === 0) return;
      storeTurns(server, { turns: runs });
      if (index > 1) return;
      server.handle("thread/list", () => {
        server.crash();
        return later;
      });
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  link.server.send(turnStarted(ids));
  await settled();
  const third = await link.reconnect();
  expect(link.servers).toHaveLength(3);
  third.send(delta("b", " three"), completed("b", "One two three."), turnCompleted(ids));
  const events = (await collect(turn)).slice(1);
  expect(events).toEqual([
    gap(),
    started("b"),
    delta("b", "One"),
    gap("b"),
    completed("b", "One two three."),
    turnCompleted(ids),
  ]);
  expect(streamedText(events)).toBe("One two three.");
});

test("a sub-agent's events show a gap, too, and no rest of a text whose middle is missing", async () => {
  const child = { threadId: "child-1", turnId: "turn-c" };
  const ofChild = (message: Message): Message => ({
    ...message,
    params: { ...(message["params"] as Params), ...child },
  });
  await using link = await LinkedAnew.start({
    prepare: (server, index) => {
      server.handle("thread/resume", ({ threadId }) => ({
        thread: { id: threadId, status: active, turns: [] },
      }));
      if (index > 0) storeTurns(server, { turns: runs });
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  const events = turn.stream({ subagents: true });
  await turn.started;
  const spawn = { type: "collabAgentToolCall", id: "call-1", tool: "spawnAgent" };
  link.server.send(
    turnStarted(ids),
    item("item/started", { ...spawn, receiverThreadIds: ["child-1"], agentsStates: {} }),
    turnStarted(child),
    ofChild(started("c")),
    ofChild(delta("c", "One")),
  );
  await settled();
  const server = await link.reconnect();
  await settled();
  server.send(
    ofChild(delta("c", " three")),
    ofChild(completed("c", "One two three.")),
    turnCompleted(child),
    turnCompleted(ids),
  );
  const shown = (await collect(events)).filter(({ origin }) => origin.threadId === "child-1");
  expect(shown.map(({ origin, ...event }) => (origin.depth === 1 ? event : undefined))).toEqual([
    turnStarted(child),
    ofChild(started("c")),
    ofChild(delta("c", "One")),
    ofChild(gap("c")),
    ofChild(completed("c", "One two three.")),
    turnCompleted(child),
  ]);
});

test("an interrupt that was on its way is sent again", async () => {
  await using link = await LinkedAnew.start({
    prepare: (server, index) => {
      server.handle("thread/resume", ({ threadId }) => ({
        thread: { id: threadId, status: active, turns: [] },
      }));
      storeTurns(server, { turns: runs });
      if (index === 0) server.handle("turn/interrupt", () => later);
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  link.server.send(turnStarted(ids));
  const interrupting = turn.interrupt();
  await link.server.nextRequest("turn/interrupt");
  const second = await link.reconnect();
  expect((await second.nextRequest("turn/interrupt")).params).toEqual(ids);
  await interrupting;
  second.send(turnCompleted(ids, { status: "interrupted" }));
  expect(await turn.run()).toMatchObject({ status: "interrupted" });
});

test("a connection that never comes back delivers what had been held back, then fails the turn", async () => {
  await using link = await LinkedAnew.start({
    reconnect: { retries: 1 },
    prepare: (server, index) => {
      if (index > 1) throw new Error("nobody listens");
      server.handle("thread/resume", ({ threadId }) => ({
        thread: { id: threadId, status: active, turns: [] },
      }));
      server.handle("thread/turns/list", () => later);
    },
  });
  const thread = await link.client.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  const events: unknown[] = [];
  const reading = rejection(
    (async () => {
      for await (const event of turn) events.push(event);
    })(),
  );
  link.server.send(turnStarted(ids));
  await settled();
  const second = await link.reconnect();
  await second.nextRequest("thread/turns/list");
  second.send(completed("a", "One."));
  await settled();
  second.crash();
  expect(await reading).toMatchObject({ code: "TRANSPORT_CLOSED", reason: { kind: "failed" } });
  expect(events).toEqual([turnStarted(ids), gap(), completed("a", "One."), gap()]);
});
