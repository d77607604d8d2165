import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { ThreadState } from "../../../lib/session/thread-state.js";
import { settled } from "../../support/collect.js";

const threadId = "thread-1";

class Stage {
  readonly thread = new ThreadState({
    listQueue: () => Promise.resolve([]),
    find: () => undefined,
  });
  readonly slots = this.thread.slots;
  readonly watch = this.thread.goal;

  constructor() {
    this.thread.opened({ made: false, isActive: false });
  }

  /** Whether a message may be sent. */
  get isClear(): boolean {
    return !this.slots.isRunning && this.watch.settled === undefined;
  }

  async tell(method: string, params: object = { threadId }): Promise<void> {
    this.thread.observe({ method, params });
    await settled();
  }

  goalIs(status: string): Promise<void> {
    return this.tell("thread/goal/updated", { threadId, goal: { status } });
  }

  started(): Promise<void> {
    return this.tell("turn/started", { threadId, turn: { id: "turn-1" } });
  }

  completed(status = "completed"): Promise<void> {
    return this.tell("turn/completed", { threadId, turn: { id: "turn-1", status } });
  }

  /** Sends a request; the function that it returns answers it, or lets it fail. */
  ask(method: string, params: object = {}): (answer?: unknown) => void {
    return this.thread.asked(method, { threadId, ...params });
  }
}

/** Becomes true when the promise resolves. */
function resolution(promise: Promise<void> | undefined): { done: boolean } {
  const seen = { done: false };
  void promise?.then(() => (seen.done = true));
  return seen;
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
});
afterEach(() => {
  jest.useRealTimers();
});

describe("while a goal is active", () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    await stage.goalIs("active");
    await stage.started();
  });

  test.each(["complete", "paused", "blocked", "budgetLimited", "aStatusOfANewerServer"])(
    "a turn is expected behind each one, until the goal is %s",
    async (status) => {
      for (const end of ["completed", "failed"]) {
        await stage.completed(end);
        expect(stage.isClear).toBe(false);
        const over = resolution(stage.watch.settled);
        await stage.started();
        expect(over.done).toBe(true);
        expect(stage.watch.settled).toBeUndefined();
      }
      await stage.completed();
      const over = resolution(stage.watch.settled);
      await stage.goalIs(status);
      expect([over.done, stage.isClear, stage.watch.isIdle]).toEqual([true, true, true]);
      expect(jest.getTimerCount()).toBe(0);
    },
  );

  test("none is expected behind one in which the goal was completed", async () => {
    await stage.goalIs("complete");
    await stage.completed();
    expect([stage.isClear, stage.watch.isIdle]).toEqual([true, true]);
  });

  test.each(["thread/goal/cleared", "thread/closed", "thread/archived", "thread/deleted"])(
    "none is expected after %s",
    async (method) => {
      await stage.completed();
      const over = resolution(stage.watch.settled);
      await stage.tell(method);
      expect([over.done, stage.isClear, stage.watch.isIdle]).toEqual([true, true, true]);
    },
  );

  test("none is expected behind an interrupted one; the next to end sets the chain going", async () => {
    await stage.completed("interrupted");
    expect(stage.isClear).toBe(true);
    await stage.started();
    await stage.completed();
    expect(stage.isClear).toBe(false);
  });

  test("one that never comes is not expected for long", async () => {
    await stage.completed();
    const over = resolution(stage.watch.settled);
    await jest.advanceTimersByTimeAsync(2_999);
    expect(over.done).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect([over.done, stage.isClear, stage.watch.isIdle]).toEqual([true, true, false]);
  });

  test.each<[string, (stage: Stage) => Promise<void>]>([
    ["the goal is updated", (stage) => stage.goalIs("active")],
    ["settings change", (stage) => stage.tell("thread/settings/updated")],
    [
      "the goal is set",
      async (stage) => {
        stage.ask("thread/goal/set")({ goal: { status: "active" } });
        await stage.started();
      },
    ],
  ])("after one that never came none is expected, until %s", async (_name, change) => {
    await stage.completed();
    await jest.advanceTimersByTimeAsync(3_000);
    await stage.started();
    await stage.completed();
    expect(stage.isClear).toBe(true);
    await change(stage);
    await stage.completed();
    expect(stage.isClear).toBe(false);
  });

  test("none is expected when the connection is over, or the thread unsubscribed", async () => {
    await stage.completed();
    const over = resolution(stage.watch.settled);
    stage.watch.forget();
    await settled();
    expect([over.done, stage.watch.isIdle, jest.getTimerCount()]).toEqual([true, true, 0]);
    await stage.goalIs("active");
    await stage.completed();
    stage.ask("thread/unsubscribe")({ status: "unsubscribed" });
    expect([stage.isClear, stage.watch.isIdle]).toEqual([true, true]);
  });
});

describe("thread/goal/set on an idle thread", () => {
  test.each([
    ["no status", {}],
    ["the status null", { status: null }],
    ["the status active", { status: "active" }],
  ])("with %s lets a turn be expected from when it is sent", async (_, params) => {
    const stage = new Stage();
    const answer = stage.ask("thread/goal/set", { objective: "Work", ...params });
    expect(stage.isClear).toBe(false);
    answer({ goal: { status: "active" } });
    expect(stage.isClear).toBe(false);
    await stage.started();
    await stage.goalIs("complete");
    await stage.completed();
    expect([stage.isClear, stage.watch.isIdle]).toEqual([true, true]);
  });

  test.each([
    ["leaves it paused", { goal: { status: "paused" } }],
    ["fails", undefined],
  ])("lets none be expected when it %s", (_, answer) => {
    const stage = new Stage();
    stage.ask("thread/goal/set")(answer);
    expect([stage.isClear, stage.watch.isIdle, jest.getTimerCount()]).toEqual([true, true, 0]);
  });

  test("lets none be expected that pauses the goal", async () => {
    const stage = new Stage();
    await stage.goalIs("active");
    const answer = stage.ask("thread/goal/set", { status: "paused" });
    expect(stage.isClear).toBe(true);
    answer({ goal: { status: "paused" } });
    expect(stage.watch.isIdle).toBe(true);
  });

  test("changes nothing when it fails beside a goal that is active", async () => {
    const stage = new Stage();
    await stage.goalIs("active");
    await stage.completed();
    stage.ask("thread/goal/set")();
    expect(stage.isClear).toBe(false);
    await stage.started();
    await stage.completed();
    expect(stage.isClear).toBe(false);
  });

  test("counts as long as one of several is under way", async () => {
    const stage = new Stage();
    const [first, second] = [stage.ask("thread/goal/set"), stage.ask("thread/goal/set")];
    second();
    expect(stage.isClear).toBe(false);
    first();
    await settled();
    expect([stage.isClear, stage.watch.isIdle]).toEqual([true, true]);
  });
});

test("during a turn the goal's first one follows that", async () => {
  const stage = new Stage();
  await stage.started();
  stage.ask("thread/goal/set")({ goal: { status: "active" } });
  expect(stage.watch.settled).toBeUndefined();
  await stage.completed();
  expect(stage.isClear).toBe(false);
});

test("an answer that tells of an active goal counts, and one that tells of none", async () => {
  const stage = new Stage();
  stage.ask("thread/goal/get")({ goal: { status: "active" } });
  expect(stage.watch.isIdle).toBe(false);
  await stage.completed();
  expect(stage.isClear).toBe(false);
  stage.ask("thread/goal/get")({ goal: null });
  expect([stage.isClear, stage.watch.isIdle]).toEqual([true, true]);
});

test("none is watched of a thread that is not loaded, until a request tells of it", async () => {
  const stage = new Stage();
  stage.thread.unload();
  await stage.goalIs("active");
  expect(stage.watch.isIdle).toBe(true);
  stage.ask("thread/goal/get")({ goal: { status: "active" } });
  await stage.goalIs("complete");
  expect(stage.watch.isIdle).toBe(true);
  stage.ask("thread/goal/get")({ goal: { status: "active" } });
  await stage.completed();
  expect(stage.isClear).toBe(false);
  stage.watch.forget();
});

test.each([{ threadId }, { threadId, goal: "active" }, { threadId, goal: null }])(
  "what makes no sense (%j) does no harm",
  (params) => {
    const stage = new Stage();
    for (const method of ["thread/goal/updated", "thread/goal/cleared", "turn/completed"]) {
      stage.watch.observe({ method, params });
    }
    stage.watch.asked("thread/goal/set", params)?.(params);
    stage.watch.asked("thread/goal/get", params)?.(params);
    expect([stage.isClear, stage.watch.isIdle, jest.getTimerCount()]).toEqual([true, true, 0]);
  },
);
