import { expect, test } from "@jest/globals";
import { defer } from "../../../lib/index.js";
import { requestKey } from "../../../lib/server-requests/request-key.js";
import { LinkedAnew } from "../../support/linked-anew.js";
import { linkedThread } from "../../support/linked-server.js";
import { opened } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

const deferring = { onApproval: () => defer(), onElicitation: () => defer() };

/** The keys of what a client of its own is asked. */
async function keysOf(...asked: readonly [kind: keyof typeof requests, id: string | number][]) {
  await using pair = await linkedThread(deferring);
  const asking = new Asking(pair.server);
  for (const [kind, id] of asked) asking.ask(methods[kind], requests[kind], id);
  await asking.answered();
  return pair.client.pendingRequests().map(({ key }) => key);
}

test("one request has one key, whichever process is asked", async () => {
  const [one] = await keysOf(["command", 7]);
  expect(one).toMatch(/^[\w-]{32}$/);
  expect(await keysOf(["command", 7])).toEqual([one]);
});

test("two requests that wait at once have two, though they ask the same", async () => {
  const keys = await keysOf(["command", 0], ["command", 1], ["command", "1"], ["fileChange", 2]);
  expect(new Set(keys).size).toBe(4);
});

test("the same id asks something else in another turn", () => {
  const message = { id: 0, method: methods.command };
  const ofTurn = (turnId: string) =>
    requestKey({ ...message, params: { ...requests.command, turnId } }, true);
  expect(ofTurn("turn-1")).not.toBe(ofTurn("turn-2"));
});

test("what names no turn has a key of its own each time", async () => {
  const [one] = await keysOf(["url", 7]);
  const [other] = await keysOf(["url", 7]);
  expect(one).toEqual(expect.any(String));
  expect(one).not.toBe(other);
});

test("what is nested too deeply to be written has a key all the same", () => {
  let params: unknown = {};
  for (let depth = 0; depth < 100_000; depth += 1) params = { params };
  expect(requestKey({ id: 0, method: "deep", params }, true)).toMatch(/^[\w-]{32,}$/);
});

test("a request that comes again over another connection keeps its key", async () => {
  const active = { type: "active", activeFlags: [] };
  await using link = await LinkedAnew.start({
    ...deferring,
    prepare: (server, index) => {
      if (index > 0) server.handle("thread/resume", () => opened("thread-1", active));
    },
  });
  await link.client.startThread();
  const first = new Asking(link.server);
  first.ask(methods.command, requests.command, 3);
  await first.answered();
  const [before] = link.client.pendingRequests();
  const server = await link.reconnect();
  const second = new Asking(server);
  second.ask(methods.command, requests.command, 3);
  await second.answered();
  expect(link.client.pendingRequests()).toMatchObject([{ key: before?.key, requestId: 3 }]);
});
