import { expect, test } from "@jest/globals";
import { PassThrough } from "node:stream";
import type { Message } from "vscode-jsonrpc/node";
import { LineMessageReader } from "../../../lib/jsonrpc/reader.js";

const turnOfTheLoop = () => new Promise(setImmediate);

/** A reader, what it has handed on so far, in order, and the function that makes it read. */
function reading() {
  const seen: string[] = [];
  const input = new PassThrough();
  /** As deep in microtasks as whoever awaits a call of the client, or handles a request, may be. */
  const later = (what: string) => {
    let awaiting = Promise.resolve();
    for (let depth = 0; depth < 20; depth += 1) awaiting = awaiting.then(() => undefined);
    void awaiting.then(() => seen.push(what));
  };
  const reader = new LineMessageReader(input, 65_536, {
    onNotification: ({ method }) => {
      if (method === "odd") throw new TypeError("it cannot be handled");
      seen.push(method);
    },
    onUnhandled: () => seen.push("unhandled"),
    onRequest: ({ method }) => {
      seen.push(method);
      later(`after ${method}`);
    },
    onSkipped: (problem) => seen.push(problem),
    onEnd: () => seen.push("end"),
  });
  reader.listen((message: Message & { id?: unknown }) => {
    const answer = `answer ${String(message.id)}`;
    seen.push(answer);
    later(`after ${answer}`);
  });
  const read = async (...messages: object[]) => {
    const arrived = new Promise((resolve) => input.once("data", resolve));
    input.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
    await arrived;
  };
  return { seen, input, reader, read };
}

test("answers that come together are handed on together, ahead of whoever awaits them", async () => {
  const { seen, read } = reading();
  await read({ id: 1, result: {} }, { id: 2, error: { code: 1, message: "no" } });
  expect(seen.slice(0, 2)).toEqual(["answer 1", "answer 2"]);
  await turnOfTheLoop();
  expect(seen.slice(2)).toEqual(["after answer 1", "after answer 2"]);
});

test("what comes behind an answer waits until whoever awaits the answer has run", async () => {
  const { seen, read } = reading();
  await read(
    { id: 1, result: {} },
    { method: "turn/started" },
    { id: 2, result: {} },
    { id: 3, result: {} },
    { id: 7, method: "currentTime/read" },
    { method: "turn/completed" },
  );
  while (!seen.includes("turn/completed")) await turnOfTheLoop();
  expect(seen).toEqual([
    "answer 1",
    "after answer 1",
    "turn/started",
    "answer 2",
    "answer 3",
    "after answer 2",
    "after answer 3",
    "currentTime/read",
    "after currentTime/read",
    "turn/completed",
  ]);
});

test("an answer does not overtake what waits behind another answer", async () => {
  const { seen, read } = reading();
  await read({ id: 1, result: {} }, { method: "turn/started" });
  await read({ id: 2, result: {} });
  while (!seen.includes("after answer 2")) await turnOfTheLoop();
  expect(seen.filter((each) => !each.startsWith("after"))).toEqual([
    "answer 1",
    "turn/started",
    "answer 2",
  ]);
});

test("requests that come together are handed on together, ahead of what comes behind", async () => {
  const { seen, read } = reading();
  await read({ id: "a", method: "one" }, { id: "b", method: "two" }, { id: 1, result: {} });
  expect(seen.slice(0, 2)).toEqual(["one", "two"]);
  while (!seen.includes("answer 1")) await turnOfTheLoop();
  expect(seen.slice(2, 5)).toEqual(["after one", "after two", "answer 1"]);
});

test("notifications that follow nothing else are handed on at once", async () => {
  const { seen, read } = reading();
  await read({ method: "one" }, { method: "two" });
  expect(seen).toEqual(["one", "two"]);
});

test("the end waits behind an answer, too", async () => {
  const { seen, input, read } = reading();
  await read({ id: 1, result: {} });
  input.end();
  while (!seen.includes("end")) await turnOfTheLoop();
  expect(seen).toEqual(["answer 1", "after answer 1", "end"]);
});

test("a notification whose handler throws is told of, and the next ones are handed on", async () => {
  const { seen, read } = reading();
  await read({ method: "odd" }, { method: "turn/started" });
  expect(seen).toEqual(["unhandled", "turn/started"]);
});

test("one that is muted hands on answers and its end, and nothing else", async () => {
  const { seen, input, reader, read } = reading();
  await read({ method: "turn/started" });
  reader.mute();
  await read({ method: "turn/completed" }, { id: 7, method: "currentTime/read" });
  await read({ id: 1, result: {} });
  input.end();
  while (!seen.includes("end")) await turnOfTheLoop();
  expect(seen).toEqual(["turn/started", "answer 1", "after answer 1", "end"]);
});
