import { expect, test } from "@jest/globals";
import { TurnSlots } from "../../../lib/session/turn-slots.js";
import { settled } from "../../support/collect.js";

const wait = { wait: true };

/** Enters, and writes the name down on being admitted. */
function enter(slots: TurnSlots, name: string, admitted: string[]) {
  const pass = slots.enter(wait);
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
  expect(slots.isBusy).toBe(false);
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
  const beside = slots.enter({ wait: false });
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
  expect(slots.isBusy).toBe(true);
  expect(slots.isRunning).toBe(true);
  enter(slots, "a", admitted);
  await settled();
  expect(admitted).toEqual([]);
  slots.observe({ method: "turn/completed", params: { threadId: "thread-1", turn: { id: "y" } } });
  await settled();
  expect(admitted).toEqual(["a"]);
  expect(slots.isRunning).toBe(false);
});

test("idle() is the end of the turn that runs", async () => {
  const slots = new TurnSlots();
  const pass = slots.enter(wait);
  expect(pass.idle()).toBeUndefined();
  slots.setRunning(true);
  slots.setRunning(true);
  let idle = false;
  void pass.idle()?.then(() => {
    idle = true;
  });
  await settled();
  expect(idle).toBe(false);
  slots.setRunning(false);
  await settled();
  expect(idle).toBe(true);
});

test.each(["thread/closed", "thread/archived", "thread/deleted"])(
  "%s opens the slots and leaves nothing behind",
  (method) => {
    const slots = new TurnSlots();
    slots.setRunning(true);
    slots.observe({ method, params: { threadId: "thread-1" } });
    expect(slots.isBusy).toBe(false);
  },
);

test("a turn that ends before it was heard of leaves nothing behind", () => {
  const slots = new TurnSlots();
  slots.observe({ method: "turn/completed", params: { threadId: "thread-1", turn: { id: "x" } } });
  slots.observe({ method: "item/started", params: { threadId: "thread-1" } });
  expect(slots.isBusy).toBe(false);
});

test("when the connection is over, whoever waits is let in one after the other", async () => {
  const slots = new TurnSlots();
  const admitted: string[] = [];
  slots.setRunning(true);
  const [first] = ["a", "b"].map((name) => enter(slots, name, admitted));
  slots.setRunning(false);
  await settled();
  expect(admitted).toEqual(["a"]);
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("a turn that a request will start is expected to run until the request fails", () => {
  const slots = new TurnSlots();
  const failed = slots.expectTurn();
  expect(slots.isRunning).toBe(true);
  failed();
  expect(slots.isRunning).toBe(false);
});

test("a turn that was heard of runs, though the request that started it failed", () => {
  const slots = new TurnSlots();
  const failed = slots.expectTurn();
  slots.observe({ method: "turn/started", params: { threadId: "thread-1", turn: { id: "one" } } });
  failed();
  expect(slots.isRunning).toBe(true);
});

test("a request that fails says nothing of the turn that came after its own", () => {
  const slots = new TurnSlots();
  const failed = slots.expectTurn();
  slots.setRunning(false);
  slots.expectTurn();
  failed();
  expect(slots.isRunning).toBe(true);
});
