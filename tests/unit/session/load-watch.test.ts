import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Deferred } from "../../../lib/async/deferred.js";
import type { Call } from "../../../lib/session/call.js";
import { LoadWatch } from "../../../lib/session/load-watch.js";
import { TurnSlots } from "../../../lib/session/turn-slots.js";
import { settled } from "../../support/collect.js";

const threadId = "thread-1";

interface Facts {
  readonly queue?: readonly string[] | undefined;
  readonly hasActiveGoal?: boolean;
  readonly standsStill?: boolean;
}

/** A slots with a watch, and a handle that waits for a thread that is being loaded. */
class Stage {
  readonly slots = new TurnSlots();
  readonly looks: string[] = [];
  readonly watch = new LoadWatch(this.slots, () => this.looks.push("look"));
  readonly events: string[] = [];

  /** Asks for the thread to be loaded; the function that it returns answers that. */
  loading(facts: Facts, answered: Promise<void> = Promise.resolve()) {
    const { queue, hasActiveGoal = false, standsStill = false } = facts;
    const call = async (method: string): Promise<unknown> => {
      if (method === "thread/turns/list") {
        return { data: [{ status: "interrupted", completedAt: standsStill ? 1 : null }] };
      }
      await answered;
      return method === "thread/queue/list"
        ? { data: queue?.map((id) => ({ id })) }
        : { goal: { status: hasActiveGoal ? "active" : "complete" } };
    };
    const settings = { experimentalApi: queue !== undefined };
    const answer = this.watch.loading(call as Call, threadId, settings);
    return async (isLoaded = true, status = "idle") => {
      answer(isLoaded, status);
      void this.#launch();
      await settled();
    };
  }

  async tell(method: string, params: object = { threadId }): Promise<void> {
    this.watch.observe({ method, params });
    this.slots.observe({ method, params });
    await settled();
  }

  started(): Promise<void> {
    return this.tell("turn/started", { threadId, turn: { id: "turn-1" } });
  }

  completed(): Promise<void> {
    return this.tell("turn/completed", { threadId, turn: { id: "turn-1" } });
  }

  /** What a handle does that is the first on its thread. */
  async #launch(): Promise<void> {
    const pass = this.slots.enter({ wait: true });
    await pass.admitted;
    await this.watch.settled;
    this.events.push(pass.clear() ? "busy" : "clear");
    for (let clear = pass.clear(); clear; clear = pass.clear()) await clear;
    this.events.push("sent");
    pass.leave();
  }
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("when nothing was left to do", () => {
  test("a handle does not wait", async () => {
    const stage = new Stage();
    await stage.loading({ queue: [] })();
    expect([stage.events, stage.looks, stage.watch.isIdle]).toEqual([["clear", "sent"], [], true]);
  });

  test("nor on a queue that stands still, which is looked at again", async () => {
    const stage = new Stage();
    await stage.loading({ queue: ["queued-1"], standsStill: true })();
    expect([stage.events, stage.looks]).toEqual([["clear", "sent"], ["look"]]);
  });

  test("nor on a thread that could not be loaded", async () => {
    const stage = new Stage();
    await stage.loading({ queue: ["queued-1"] })(false);
    expect([stage.events, stage.watch.isIdle]).toEqual([["clear", "sent"], true]);
  });
});

describe.each([
  ["something is queued", { queue: ["queued-1"] }],
  ["a goal is active", { queue: [], hasActiveGoal: true }],
])("when %s", (_name, facts) => {
  test("a handle waits until its turn has started, and ended", async () => {
    const stage = new Stage();
    await stage.loading(facts)();
    expect(stage.events).toEqual(["busy"]);
    await stage.started();
    expect([stage.events, stage.watch.isIdle]).toEqual([["busy"], true]);
    await stage.completed();
    expect(stage.events).toEqual(["busy", "sent"]);
  });

  test("and is not held up by one that never starts", async () => {
    const stage = new Stage();
    await stage.loading(facts)();
    await jest.advanceTimersByTimeAsync(2_999);
    expect(stage.events).toEqual(["busy"]);
    await jest.advanceTimersByTimeAsync(1);
    expect([stage.events, stage.watch.isIdle]).toEqual([["busy", "sent"], true]);
  });

  test("a turn that started and ended before that was known is not waited for again", async () => {
    const stage = new Stage();
    const answered = new Deferred<void>();
    await stage.loading(facts, answered.promise)();
    await stage.started();
    await stage.completed();
    expect(stage.events).toEqual([]);
    answered.resolve();
    await settled();
    expect([stage.events, stage.watch.isIdle]).toEqual([["clear", "sent"], true]);
  });

  test("two loads at once count as one", async () => {
    const stage = new Stage();
    const [one, other] = [stage.loading(facts), stage.loading(facts)];
    await one();
    expect(stage.events).toEqual([]);
    await other();
    expect(stage.events).toEqual(["busy"]);
    await stage.started();
    await stage.completed();
    expect(stage.events.filter((event) => event === "sent")).toHaveLength(2);
    expect(stage.watch.isIdle).toBe(true);
  });

  test.each(["thread/closed", "thread/archived", "thread/deleted"])(
    "%s ends the waiting",
    async (method) => {
      const stage = new Stage();
      await stage.loading(facts)();
      await stage.tell(method);
      expect([stage.events, stage.watch.isIdle]).toEqual([["busy", "sent"], true]);
    },
  );

  test("so does the end of the connection, and that the thread is lost", async () => {
    const [one, other] = [new Stage(), new Stage()];
    await one.loading(facts)();
    await other.loading(facts)();
    one.watch.forget();
    other.watch.forget();
    await settled();
    expect([one.events, other.events]).toEqual([
      ["busy", "sent"],
      ["busy", "sent"],
    ]);
    expect([one.watch.isIdle, other.watch.isIdle]).toEqual([true, true]);
  });
});

test("a queue that was emptied while the thread was loaded begins a turn, too", async () => {
  const stage = new Stage();
  const answer = stage.loading({ queue: [] });
  await stage.tell("thread/queue/changed");
  await answer();
  expect(stage.events).toEqual(["busy"]);
  await stage.started();
  await stage.completed();
  expect(stage.events).toEqual(["busy", "sent"]);
});

test("a thread that runs a turn already is known to do so", async () => {
  const stage = new Stage();
  const answer = stage.loading({ queue: ["queued-1"] });
  stage.slots.setRunning(true);
  await answer(true, "active");
  expect([stage.events, stage.looks]).toEqual([[], ["look"]]);
  await stage.completed();
  expect([stage.events, stage.watch.isIdle]).toEqual([["clear", "sent"], true]);
});

test("a turn that still counts as running, and went with its process, is not taken for the queued one", async () => {
  const stage = new Stage();
  stage.slots.setRunning(true);
  await stage.loading({ queue: ["queued-1"] })();
  stage.slots.setRunning(false);
  await settled();
  expect(stage.events).toEqual([]);
  await stage.started();
  await stage.completed();
  expect(stage.events).toEqual(["clear", "sent"]);
});

describe("where the server does not tell what is queued", () => {
  test("a handle waits for a moment, and for the turn that starts then", async () => {
    const stage = new Stage();
    await stage.loading({ queue: undefined })();
    await jest.advanceTimersByTimeAsync(200);
    expect(stage.events).toEqual([]);
    await stage.started();
    expect([stage.events, stage.looks]).toEqual([["busy"], ["look"]]);
    await stage.completed();
    expect([stage.events, stage.watch.isIdle]).toEqual([["busy", "sent"], true]);
  });

  test("or goes on when none does", async () => {
    const stage = new Stage();
    await stage.loading({ queue: undefined })();
    await jest.advanceTimersByTimeAsync(250);
    expect([stage.events, stage.looks, stage.watch.isIdle]).toEqual([["clear", "sent"], [], true]);
  });
});
