import { expect, test } from "@jest/globals";
import { ThreadGate } from "../../../lib/rpc/thread-gate.js";
import { settled } from "../../support/collect.js";

const wait = { wait: true };

/** Enters, and writes the name down on being admitted. */
function enter(gate: ThreadGate, name: string, admitted: string[], threadId = "thread-1") {
  const pass = gate.enter(threadId, wait);
  void pass.admitted.then(() => admitted.push(name));
  return pass;
}

test("turns are admitted one at a time, in order", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  const passes = ["a", "b", "c"].map((name) => enter(gate, name, admitted));
  for (const expected of [["a"], ["a", "b"], ["a", "b", "c"]]) {
    await settled();
    expect(admitted).toEqual(expected);
    passes[expected.length - 1]?.leave();
  }
  expect(gate.isBusy("thread-1")).toBe(false);
});

test("threads do not wait for each other", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  enter(gate, "a", admitted);
  enter(gate, "b", admitted, "thread-2");
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("whoever gives up while waiting is passed over", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  const [first, second] = ["a", "b", "c"].map((name) => enter(gate, name, admitted));
  second?.leave();
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "c"]);
});

test("leaving twice does not let two in", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  const [first] = ["a", "b", "c"].map((name) => enter(gate, name, admitted));
  first?.leave();
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("without waiting one goes in beside the others, who wait for both", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  const first = enter(gate, "a", admitted);
  const beside = gate.enter("thread-1", { wait: false });
  await beside.admitted;
  enter(gate, "b", admitted);
  first.leave();
  await settled();
  expect(admitted).toEqual(["a"]);
  beside.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("a turn that the server runs keeps the gate shut until its end", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  gate.observe({ method: "turn/started", params: { threadId: "thread-1", turn: { id: "x" } } });
  expect(gate.isBusy("thread-1")).toBe(true);
  expect(gate.isRunning("thread-1")).toBe(true);
  expect(gate.isBusy("thread-2")).toBe(false);
  enter(gate, "a", admitted);
  await settled();
  expect(admitted).toEqual([]);
  gate.observe({ method: "turn/completed", params: { threadId: "thread-1", turn: { id: "y" } } });
  await settled();
  expect(admitted).toEqual(["a"]);
  expect(gate.isRunning("thread-1")).toBe(false);
});

test("idle() is the end of the turn that runs", async () => {
  const gate = new ThreadGate();
  const pass = gate.enter("thread-1", wait);
  expect(pass.idle()).toBeUndefined();
  gate.setRunning("thread-1", true);
  gate.setRunning("thread-1", true);
  let idle = false;
  void pass.idle()?.then(() => {
    idle = true;
  });
  await settled();
  expect(idle).toBe(false);
  gate.setRunning("thread-1", false);
  await settled();
  expect(idle).toBe(true);
});

test.each(["thread/closed", "thread/archived", "thread/deleted"])(
  "%s opens the gate and leaves nothing behind",
  (method) => {
    const gate = new ThreadGate();
    gate.setRunning("thread-1", true);
    gate.observe({ method, params: { threadId: "thread-1" } });
    expect(gate.isBusy("thread-1")).toBe(false);
  },
);

test("a turn that ends before it was heard of leaves nothing behind", () => {
  const gate = new ThreadGate();
  gate.observe({ method: "turn/completed", params: { threadId: "thread-1", turn: { id: "x" } } });
  gate.observe({ method: "turn/started", params: {} });
  gate.observe({ method: "item/started", params: { threadId: "thread-1" } });
  expect(gate.isBusy("thread-1")).toBe(false);
});

test("when the connection is over, whoever waits is let in one after the other", async () => {
  const gate = new ThreadGate();
  const admitted: string[] = [];
  gate.setRunning("thread-1", true);
  const [first] = ["a", "b"].map((name) => enter(gate, name, admitted));
  gate.close();
  await settled();
  expect(admitted).toEqual(["a"]);
  first?.leave();
  await settled();
  expect(admitted).toEqual(["a", "b"]);
});

test("a turn that a request will start is supposed to run until the request fails", () => {
  const gate = new ThreadGate();
  const failed = gate.suppose("thread-1");
  expect(gate.isRunning("thread-1")).toBe(true);
  failed();
  expect(gate.isRunning("thread-1")).toBe(false);
});

test("a turn that was heard of runs, though the request that started it failed", () => {
  const gate = new ThreadGate();
  const failed = gate.suppose("thread-1");
  gate.observe({ method: "turn/started", params: { threadId: "thread-1", turn: { id: "one" } } });
  failed();
  expect(gate.isRunning("thread-1")).toBe(true);
});

test("a request that fails says nothing of the turn that came after its own", () => {
  const gate = new ThreadGate();
  const failed = gate.suppose("thread-1");
  gate.setRunning("thread-1", false);
  gate.suppose("thread-1");
  failed();
  expect(gate.isRunning("thread-1")).toBe(true);
});
