import { expect, test } from "@jest/globals";
import { Threads } from "../../../lib/session/threads.js";
import { settled } from "../../support/collect.js";

class Stage {
  readonly looks: string[] = [];
  readonly unsubscribed: string[] = [];
  readonly threads = new Threads({
    listQueue: (threadId) => {
      this.looks.push(threadId);
      return Promise.resolve([]);
    },
    unsubscribed: (threadId) => {
      this.unsubscribed.push(threadId);
    },
  });

  tell(method: string, threadId: string, params: object = {}): void {
    this.threads.open(threadId).observe({ method, params: { threadId, ...params } });
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
])("a thread that %s is not forgotten, however many others there are", (_, use) => {
  const stage = new Stage();
  use(stage);
  const ours = stage.threads.find("ours");
  stage.tellOfMany("turn/started", { turn: { id: "turn-1" } });
  expect(stage.threads.find("ours")).toBe(ours);
  expect(ours).toBeDefined();
});

test("a server that names ever more queues and goals is asked about some, and not all are kept", () => {
  const stage = new Stage();
  stage.tellOfMany("thread/queue/changed");
  expect(stage.looks).toHaveLength(1_024);
  stage.tellOfMany("thread/goal/updated", { goal: { status: "active" } });
  expect(stage.threads.idsOf(({ goal }) => !goal.isIdle)).toHaveLength(1_024);
  expect(stage.threads.size).toBeLessThanOrEqual(8_192);
  stage.threads.close();
});

test("a thread of which nothing is known any more is forgotten, and one that runs a turn is not", () => {
  const stage = new Stage();
  stage.tell("turn/started", "one", { turn: { id: "turn-1" } });
  stage.threads.tidy("one");
  expect(stage.threads.size).toBe(1);
  const answered = stage.threads.open("one").asked("thread/read", { threadId: "one" });
  stage.tell("turn/completed", "one", { turn: { id: "turn-1" } });
  stage.threads.tidy("one");
  expect(stage.threads.size).toBe(1);
  answered({});
  stage.threads.tidy("one");
  expect(stage.threads.size).toBe(0);
});

test("when the connection is over, nothing runs any more", () => {
  const stage = new Stage();
  stage.tell("turn/started", "one", { turn: { id: "turn-1" } });
  stage.threads.close();
  expect(stage.threads.idsOf(({ slots }) => slots.isRunning)).toEqual([]);
});

test("only of a thread that was unsubscribed from somebody is told that no more events come", () => {
  const stage = new Stage();
  for (const method of ["thread/unsubscribe", "thread/archive", "thread/delete"]) {
    const thread = stage.threads.open(method);
    thread.opened({ made: true, isActive: true });
    thread.asked(method, { threadId: method })({});
    expect([thread.isLoaded, thread.isMade, thread.slots.isRunning]).toEqual([false, false, false]);
  }
  expect(stage.unsubscribed).toEqual(["thread/unsubscribe"]);
});
