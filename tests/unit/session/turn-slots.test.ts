import { expect, test } from "@jest/globals";
import { TurnSlots } from "../../../lib/session/turn-slots.js";
import { settled } from "../../support/collect.js";

const wait = { wait: true };

/** Enters, and writes the name down on being admitted. */
function enter(slots: TurnSlots, name: string, admitted: string[], threadId = "thread-1") {
  const pass = slots.enter(threadId, wait);
  void pass.admitted.then(() => admitted.push(name));
  return pass;
}

test("turns are admitted one at a time, in order", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  const passes = ["a", "b", "c"].map((name) => enter(slots, name, admitted));
  for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
    await settled();
    expect(admitted).toEqual(expected);
    passes[expected.length - 1]?.leave();
  }
  expect(slots.isBusy("thread-1")).toBe(false);
});

test("threads do not wait for each other", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  enter(slots, "a", admitted);
  enter(slots, "b", admitted, "thread-2");
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("whoever gives up while waiting is passed over", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  const [first, second] = ["a", "b", "c"].map((name) => enter(slots, name, admitted));
  second?.leave();
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "c"]);
});

test("leaving twice does not let two in", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  const [first] = ["a", "b", "c"].map((name) => enter(slots, name, admitted));
  first?.leave();
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("without waiting one goes in beside the others, who wait for both", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  const first = enter(slots, "a", admitted);
  const beside = slots.enter("thread-1", { wait: false });
  await beside.admitted;
  enter(slots, "b", admitted);
  first.leave();
  await settled();
  expect(admitted).toEqual(["a"]);
  beside.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("a turn that the server runs keeps the slots shut until its end", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  slots.observe({ method: "turn/started", params: { threadId: "thread-1", turn: { id: "x" } } });
  expect(slots.isBusy("thread-1")).toBe(true);
  expect(slots.isRunning("thread-1")).toBe(true);
  expect(slots.isBusy("thread-2")).toBe(false);
  enter(slots, "a", admitted);
  await settled();
  expect(admitted).toEqual([]);
  slots.observe({ method: "turn/completed", params: { threadId: "thread-1", turn: { id: "y" } } });
  await settled();
  expect(admitted).toEqual(["a"]);
  expect(slots.isRunning("thread-1")).toBe(false);
});

test("idle() is the end of the turn that runs", async () => {
  const slots = new TurnSlots();
  const pass = slots.enter("thread-1", wait);
  expect(pass.idle()).toBeUndefined();
  slots.setRunning("thread-1", true);
  slots.setRunning("thread-1", true);
  let idle = false;
  void pass.idle()?.then(() => {
    idle = true;
  });
  await settled();
  expect(idle).toBe(false);
  slots.setRunning("thread-1", false);
  await settled();
  expect(idle).toBe(true);
});

test.each(["thread/closed", "thread/archived", "thread/deleted"])(
  "%s opens the slots and leaves nothing behind",
  (method) => {
    const slots = new TurnSlots();
    slots.setRunning("thread-1", true);
    slots.observe({ method, params: { threadId: "thread-1" } });
    expect(slots.isBusy("thread-1")).toBe(false);
  },
);

test("a turn that ends before it was heard of leaves nothing behind", () => {
  const slots = new TurnSlots();
  slots.observe({ method: "turn/completed", params: { threadId: "thread-1", turn: { id: "x" } } });
  slots.observe({ method: "turn/started", params: {} });
  slots.observe({ method: "item/started", params: { threadId: "thread-1" } });
  expect(slots.isBusy("thread-1")).toBe(false);
});

test("when the connection is over, whoever waits is let in one after the other", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  slots.setRunning("thread-1", true);
  const [first] = ["a", "b"].map((name) => enter(slots, name, admitted));
  slots.close();
  await settled();
  expect(admitted).toEqual(["a"]);
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("a turn that a request will start is supposed to run until the request fails", () => {
  const slots = new TurnSlots();
  const failed = slots.expectTurn("thread-1");
  expect(slots.isRunning("thread-1")).toBe(true);
  failed();
  expect(slots.isRunning("thread-1")).toBe(false);
});

test("a turn that was heard of runs, though the request that started it failed", () => {
  const slots = new TurnSlots();
  const failed = slots.expectTurn("thread-1");
  slots.observe({ method: "turn/started", params: { threadId: "thread-1", turn: { id: "one" } } });
  failed();
  expect(slots.isRunning("thread-1")).toBe(true);
});

test("a request that fails says nothing of the turn that came after its own", () => {
  const slots = new TurnSlots();
  const failed = slots.expectTurn("thread-1");
  slots.setRunning("thread-1", false);
  slots.expectTurn("thread-1");
  failed();
  expect(slots.isRunning("thread-1")).toBe(true);
});
