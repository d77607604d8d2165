import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Deferred } from "../../../lib/async/deferred.js";
import { ThreadState } from "../../../lib/session/thread-state.js";
import { settled } from "../../support/collect.js";

const threadId = "thread-1";

/** A slots with a watch, whose looks at the queue are answered by hand, oldest first. */
class Stage {
  readonly looks: { answer: Deferred<readonly string[] | undefined> }[] = [];
  readonly thread = new ThreadState({
    listQueue: () => {
      const answer = new Deferred<readonly string[] | undefined>();
      this.looks.push({ answer });
      return answer.promise;
    },
    find: () => undefined,
  });
  readonly slots = this.thread.slots;
  readonly watch = this.thread.queue;
  readonly admitted: string[] = [];

  constructor() {
    this.thread.opened({ made: false, isActive: false });
  }

  enter(name: string): void {
    const pass = this.slots.enter({ wait: true });
    void pass.admitted.then(() => this.admitted.push(name));
  }

  /** The queue, as the next look finds it. */
  async finds(...ids: string[]): Promise<void> {
    const look = this.looks.shift();
    if (!look) throw new Error("nobody looks at the queue");
    look.answer.resolve(ids);
    await settled();
  }

  async tell(method: string, params: object = { threadId }): Promise<void> {
    this.thread.observe({ method, params });
    await settled();
  }

  started(): Promise<void> {
    return this.tell("turn/started", { threadId, turn: { id: "turn-1" } });
  }

  completed(status = "completed"): Promise<void> {
    return this.tell("turn/completed", { threadId, turn: { id: "turn-1", status } });
  }

  /** Sends `thread/queue/add`; the function that it returns answers it. */
  add(): (id?: string) => Promise<void> {
    const settle = this.thread.asked("thread/queue/add", {});
    return async (id) => {
      if (id === undefined) settle();
      else settle({ queuedSubmission: { id } });
      await settled();
    };
  }
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

describe("while a turn runs and something is queued", () => {
  async function runningWithQueue(): Promise<Stage> {
    const stage = new Stage();
    await stage.started();
    await stage.tell("thread/queue/changed");
    await stage.finds("queued-1");
    stage.enter("handle");
    return stage;
  }

  test("handles wait for the queued turn that follows, and for its end", async () => {
    const stage = await runningWithQueue();
    await stage.completed();
    expect(stage.admitted).toEqual([]);
    await stage.tell("thread/queue/changed");
    await stage.finds();
    expect(stage.admitted).toEqual([]);
    await stage.started();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([[], true]);
    await stage.completed();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("they wait for all that is queued", async () => {
    const stage = await runningWithQueue();
    for (let left = 2; left >= 0; left -= 1) {
      await stage.completed();
      await stage.tell("thread/queue/changed");
      await stage.finds(...["queued-1", "queued-2"].slice(0, left));
      await stage.started();
      expect(stage.admitted).toEqual([]);
    }
    await stage.completed();
    expect(stage.admitted).toEqual(["handle"]);
  });

  test("an interrupt makes the queue stand still, so they do not wait", async () => {
    const stage = await runningWithQueue();
    await stage.completed("interrupted");
    expect(stage.admitted).toEqual(["handle"]);
    expect(stage.watch.isIdle).toBe(false);
  });

  test("when the turn that should follow never starts, they go on after a while", async () => {
    const stage = await runningWithQueue();
    await stage.completed();
    await jest.advanceTimersByTimeAsync(2_999);
    expect(stage.admitted).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(stage.admitted).toEqual(["handle"]);
  });

  test("when it is emptied before the turn ends, they do not wait", async () => {
    const stage = await runningWithQueue();
    await stage.tell("thread/queue/changed");
    await stage.completed();
    expect(stage.admitted).toEqual([]);
    await stage.finds();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test.each(["thread/closed", "thread/archived", "thread/deleted"])(
    "%s ends the waiting",
    async (method) => {
      const stage = await runningWithQueue();
      await stage.completed();
      await stage.tell(method);
      expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
    },
  );

  test.each(["thread/unsubscribe", "thread/archive", "thread/delete"])(
    "%s ends it too, once it is answered",
    async (method) => {
      const stage = await runningWithQueue();
      await stage.completed();
      const settle = stage.thread.asked(method, {});
      settle();
      await settled();
      expect(stage.admitted).toEqual([]);
      stage.thread.asked(method, {})({});
      await settled();
      expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
    },
  );

  test("the end of the connection ends it, with nothing left", async () => {
    const stage = await runningWithQueue();
    await stage.completed();
    stage.watch.forget();
    stage.slots.setRunning(false);
    await settled();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("a look that is answered after all was forgotten changes nothing", async () => {
    const stage = await runningWithQueue();
    await stage.tell("thread/queue/changed");
    await stage.tell("thread/closed");
    await stage.tell("thread/queue/changed");
    await stage.finds();
    expect(stage.watch.isIdle).toBe(false);
    await stage.finds("queued-1");
    expect(stage.watch.isIdle).toBe(false);
  });
});

describe("when input is queued on an idle thread", () => {
  test("handles wait until its turn has started, and ended", async () => {
    const stage = new Stage();
    const answer = stage.add();
    stage.enter("handle");
    await answer("queued-1");
    await stage.finds();
    expect(stage.admitted).toEqual([]);
    await stage.started();
    await stage.completed();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("they do not wait when it stands still there", async () => {
    const stage = new Stage();
    const answer = stage.add();
    stage.enter("handle");
    await answer("queued-1");
    expect(stage.admitted).toEqual([]);
    await stage.finds("queued-1");
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], false]);
  });

  test("nor when it was refused", async () => {
    const stage = new Stage();
    const answer = stage.add();
    stage.enter("handle");
    await answer();
    await stage.finds();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("two at once: the second is queued, and the first one's turn is still waited for", async () => {
    const stage = new Stage();
    const answers = [stage.add(), stage.add()];
    stage.enter("handle");
    await answers[0]?.("queued-1");
    await answers[1]?.("queued-2");
    while (stage.looks.length > 0) await stage.finds("queued-2");
    expect(stage.admitted).toEqual([]);
    await stage.started();
    await stage.completed();
    expect(stage.admitted).toEqual([]);
    await stage.started();
    await stage.tell("thread/queue/changed");
    await stage.finds();
    await stage.completed();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("a turn that started and ended before the look is not waited for again", async () => {
    const stage = new Stage();
    const answer = stage.add();
    await stage.started();
    await answer("queued-1");
    await stage.completed();
    stage.enter("handle");
    await stage.finds();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("what is queued behind a running turn makes nobody wait longer", async () => {
    const stage = new Stage();
    await stage.started();
    await stage.add()("queued-1");
    expect([stage.looks, stage.watch.isIdle]).toEqual([[], true]);
  });
});

describe("a look at the queue", () => {
  test("is taken when it is asked for, and is the last one when nothing is queued", async () => {
    const stage = new Stage();
    stage.watch.look();
    expect(stage.looks).toHaveLength(1);
    await stage.started();
    stage.enter("handle");
    await stage.completed();
    expect(stage.admitted).toEqual([]);
    await stage.finds();
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("that the server does not allow makes handles wait a moment after each turn, until none follows", async () => {
    const stage = new Stage();
    await stage.started();
    stage.watch.look();
    stage.looks.shift()?.answer.resolve(undefined);
    await settled();
    stage.enter("handle");
    await stage.completed();
    await jest.advanceTimersByTimeAsync(249);
    expect(stage.admitted).toEqual([]);
    await stage.started();
    await stage.completed();
    await jest.advanceTimersByTimeAsync(249);
    expect(stage.admitted).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("is repeated when the queue changes meanwhile, and not more often", async () => {
    const stage = new Stage();
    for (let count = 0; count < 5; count += 1) await stage.tell("thread/queue/changed");
    expect(stage.looks).toHaveLength(1);
    await stage.finds("queued-1");
    expect(stage.looks).toHaveLength(1);
    await stage.finds();
    expect([stage.looks, stage.watch.isIdle]).toEqual([[], true]);
  });

  test("that is not answered leaves handles waiting for the turn that may follow, for as long as one takes", async () => {
    const stage = new Stage();
    await stage.started();
    await stage.tell("thread/queue/changed");
    stage.looks.shift()?.answer.reject(new Error("not answered"));
    await settled();
    stage.enter("handle");
    await stage.completed();
    await jest.advanceTimersByTimeAsync(2_999);
    expect(stage.admitted).toEqual([]);
    await stage.started();
    await stage.completed();
    expect(stage.admitted).toEqual([]);
    await jest.advanceTimersByTimeAsync(3_000);
    expect([stage.admitted, stage.watch.isIdle]).toEqual([["handle"], true]);
  });

  test("is not taken while nobody uses the queue", async () => {
    const stage = new Stage();
    await stage.started();
    await stage.completed();
    stage.thread.asked("turn/start", {})({});
    expect([stage.looks, stage.watch.isIdle]).toEqual([[], true]);
  });
});
