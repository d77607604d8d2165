import { expect, test } from "@jest/globals";
import { TurnDetachedError } from "../../../lib/errors/turn-detached-error.js";
import { SubagentTree } from "../../../lib/session/subagent-tree.js";
import { Threads } from "../../../lib/session/threads.js";
import { TurnRoutes } from "../../../lib/session/turn-routes.js";
import { initialTurnState } from "../../../lib/turns/turn-state.js";
import { settled } from "../../support/collect.js";

class Stage {
  readonly looks: string[] = [];
  readonly threads = new Threads((threadId) => {
    this.looks.push(threadId);
    return Promise.resolve([]);
  });

  tell(method: string, threadId: string, params: object = {}): void {
    this.threads.observe({ method, params: { threadId, ...params } });
  }

  /** As many threads as no connection has; each runs a turn, say. */
  tellOfMany(method: string, params: object = {}): void {
    for (let n = 0; n < 30_000; n += 1) this.tell(method, `other-${n}`, params);
  }
}

const opened = { made: false, isActive: false };

test("threads do not wait for each other", async () => {
  const { threads } = new Stage();
  const admitted: string[] = [];
  for (const name of ["a", "b"]) {
    void threads
      .open(name)
      .slots.enter({ wait: true })
      .admitted.then(() => admitted.push(name));
  }
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("a server that tells of ever more threads does not make what is held grow for ever", () => {
  const stage = new Stage();
  stage.tellOfMany("turn/started", { turn: { id: "turn-1" } });
  expect(stage.threads.size).toBeLessThanOrEqual(8_192);
  // The latest are those that are kept.
  expect(stage.threads.find("other-29999")?.slots.isRunning).toBe(true);
  expect(stage.threads.find("other-0")).toBeUndefined();
});

test.each<[string, (stage: Stage) => unknown]>([
  [
    "is loaded",
    ({ threads }) => {
      threads.open("ours").opened(opened);
    },
  ],
  [
    "is being loaded",
    ({ threads }) => void threads.open("ours").ensureLoaded(() => new Promise(() => undefined)),
  ],
  ["has a turn of ours", ({ threads }) => threads.open("ours").slots.enter({ wait: true })],
  ["has a slot that is reserved", ({ threads }) => threads.open("ours").slots.reserve()],
  ["is watched for turns", ({ threads }) => new TurnRoutes(threads).watch("ours", () => undefined)],
  ["is asked about", ({ threads }) => threads.open("ours").asked("thread/read", {})],
])("a thread that %s is not forgotten, however many others there are", (_, use) => {
  const stage = new Stage();
  use(stage);
  const ours = stage.threads.find("ours");
  stage.tellOfMany("turn/started", { turn: { id: "turn-1" } });
  expect(stage.threads.find("ours")).toBe(ours);
  expect(ours).toBeDefined();
});

test("a server that names ever more queues and goals is asked about those of threads that are used", () => {
  const stage = new Stage();
  stage.threads.open("ours").opened(opened);
  const active = { goal: { status: "active" } };
  for (const threadId of ["ours", "other"]) {
    stage.tell("thread/queue/changed", threadId);
    stage.tell("thread/goal/updated", threadId, active);
  }
  stage.tellOfMany("thread/queue/changed");
  stage.tellOfMany("thread/goal/updated", active);
  expect(stage.looks).toEqual(["ours"]);
  expect(stage.threads.idsOf(({ goal }) => !goal.isIdle)).toEqual(["ours"]);
  expect(stage.threads.size).toBe(1);
  stage.threads.close();
});

test("threads whose goals were asked about do not make what is held grow for ever", () => {
  const stage = new Stage();
  for (let n = 0; n < 30_000; n += 1) {
    const threadId = `other-${n}`;
    const answered = stage.threads.open(threadId).asked("thread/goal/get", { threadId });
    answered({ goal: { status: "active" } });
    stage.threads.tidy(threadId);
  }
  expect(stage.threads.size).toBeLessThanOrEqual(8_192);
  expect(stage.threads.find("other-29999")?.goal.isIdle).toBe(false);
});

test("a thread of which nothing is known any more is forgotten, and one that runs a turn is not", () => {
  const stage = new Stage();
  stage.tell("turn/started", "one", { turn: { id: "turn-1" } });
  expect(stage.threads.size).toBe(1);
  const answered = stage.threads.open("one").asked("thread/read", { threadId: "one" });
  stage.tell("turn/completed", "one", { turn: { id: "turn-1" } });
  expect(stage.threads.size).toBe(1);
  answered({});
  stage.threads.tidy("one");
  expect(stage.threads.size).toBe(0);
});

test.each(["thread/closed", "thread/archived", "thread/deleted"])(
  "with %s nothing is known any more of who has called for turns there",
  (method) => {
    const stage = new Stage();
    const thread = stage.threads.open("one");
    thread.asked("turn/start", {})({ turn: { id: "1" } });
    thread.asked("thread/goal/set", { objective: "-" })({ goal: { status: "active" } });
    expect(thread.callers.contextOf("1")).toBeDefined();
    stage.tell(method, "one");
    expect(thread.callers.isIdle).toBe(true);
    expect(stage.threads.size).toBe(0);
  },
);

test("when the connection is over, nothing runs any more", () => {
  const stage = new Stage();
  stage.tell("turn/started", "one", { turn: { id: "turn-1" } });
  stage.threads.close();
  expect(stage.threads.idsOf(({ slots }) => slots.isRunning)).toEqual([]);
});

test("only of a thread that was unsubscribed from somebody is told that no more events come", () => {
  const { threads } = new Stage();
  const routes = new TurnRoutes(threads);
  const lost: unknown[] = [];
  for (const method of ["thread/unsubscribe", "thread/archive", "thread/delete"]) {
    const thread = threads.open(method);
    routes.expect(method).claim("turn-1", {
      state: initialTurnState(method),
      receive: () => undefined,
      lost: (failure) => lost.push(method, failure()),
    });
    thread.opened({ made: true, isActive: true });
    thread.asked(method, { threadId: method })({});
    expect([thread.isLoaded, thread.isMade, thread.slots.isRunning]).toEqual([false, false, false]);
  }
  expect(lost).toEqual(["thread/unsubscribe", expect.any(TurnDetachedError)]);
});

test("of ever more callers and sub-agents, those of the latest threads are known", () => {
  const { threads } = new Stage();
  const tree = new SubagentTree(threads, () => Promise.reject(new Error("not asked")));
  for (let index = 0; index < 10_000; index += 1) {
    threads.open(`called-${index}`).asked("turn/start", {})({ turn: { id: "1" } });
    tree.learn(`child-${index}`, { threadId: "parent", turnId: undefined });
  }
  expect(threads.size).toBeLessThanOrEqual(8_192);
  const isKnown = (index: number) => [
    threads.find(`called-${index}`)?.callers.contextOf("1") !== undefined,
    tree.parentOf(`child-${index}`) !== undefined,
  ];
  expect([0, 9_000, 9_999].map(isKnown)).toEqual([
    [false, false],
    [true, true],
    [true, true],
  ]);
});

test("sub-agents are known beside however many threads that are used", () => {
  const { threads } = new Stage();
  const tree = new SubagentTree(threads, () => Promise.reject(new Error("not asked")));
  for (let index = 0; index < 6_000; index += 1) threads.open(`${index}`).opened(opened);
  for (let index = 0; index < 4_000; index += 1) {
    tree.learn(`child-${index}`, { threadId: "0", turnId: "turn-1" });
  }
  expect(tree.parentOf("child-0")).toEqual({ threadId: "0", turnId: "turn-1" });
});

test("a sub-agent that is spoken to, or begins a turn, is known however many came after it", () => {
  const stage = new Stage();
  const { threads } = stage;
  const tree = new SubagentTree(threads, () => Promise.reject(new Error("not asked")));
  const parent = { threadId: "parent", turnId: "turn-1" };
  const early = ["spoken to", "begins", "silent"];
  for (const name of early) tree.learn(name, parent);
  for (let index = 0; index < 10_000; index += 1) {
    tree.learn(`child-${index}`, parent);
    if (index % 1_000 > 0) continue;
    tree.learn("spoken to", parent);
    stage.tell("turn/started", "begins", { turn: { id: `turn-${index}` } });
  }
  expect(early.map((name) => tree.parentOf(name))).toEqual([parent, parent, undefined]);
});

test("a thread whose turn ended while the connection was away is forgotten when that is back", () => {
  const stage = new Stage();
  const { threads } = stage;
  stage.tell("turn/started", "agent", { turn: { id: "turn-2", rootTurnId: "turn-1" } });
  stage.tell("turn/started", "running", { turn: { id: "turn-3", rootTurnId: "turn-1" } });
  threads.open("called").asked("turn/start", {})({ turn: { id: "turn-4" } });
  threads.find("agent")?.slots.setRunning(false);
  threads.restored();
  expect(["agent", "running", "called"].map((id) => threads.find(id)?.rootTurnId)).toEqual([
    undefined,
    "turn-1",
    undefined,
  ]);
  expect(threads.size).toBe(1);
});

test("a thread is not forgotten by being opened when all others are used", () => {
  const { threads } = new Stage();
  for (let index = 0; index < 6_000; index += 1) threads.open(`${index}`).opened(opened);
  for (let index = 0; index < 3_000; index += 1) {
    const thread = threads.open(`new-${index}`);
    expect(threads.find(`new-${index}`)).toBe(thread);
  }
});
