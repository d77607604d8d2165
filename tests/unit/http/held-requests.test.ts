import { expect, test } from "@jest/globals";
import { HeldRequests } from "../../../lib/http/requests/held-requests.js";
import type { ApprovalRequest, RequestContext } from "../../../lib/index.js";
import { settled } from "../../support/collect.js";
import { requests } from "../server-requests/asking.js";

const request = { type: "command", ...requests.command } as unknown as ApprovalRequest;

function contextOf(signal = new AbortController().signal): RequestContext {
  const ids = { threadId: "thread-1", turnId: "turn-1", itemId: "item-1" };
  return {
    key: "key",
    requestId: 0,
    method: "item/commandExecution/requestApproval",
    ...ids,
    signal,
  };
}

test("a request that two clients hold under one key is open as long as one of them waits", async () => {
  const held = new HeldRequests(60_000);
  const abort = new AbortController();
  const first = held.handlers.onApproval(request, contextOf(abort.signal));
  const second = held.handlers.onApproval(request, contextOf());
  expect(held.size).toBe(1);
  abort.abort();
  expect(await first).toBe("decline");
  expect(held.typeOf("key")).toBe("command");
  let isSettled = false;
  const over = held.settled("key").then(() => (isSettled = true));
  await settled();
  expect(isSettled).toBe(false);
  held.settle("key", "accept");
  expect(await second).toBe("accept");
  await over;
  expect(held.typeOf("key")).toBeUndefined();
  expect(held.size).toBe(0);
});

test("one answer is that of both", async () => {
  const held = new HeldRequests(60_000);
  const first = held.handlers.onApproval(request, contextOf());
  const second = held.handlers.onApproval(request, contextOf());
  held.settle("key", "accept");
  expect([await first, await second]).toEqual(["accept", "accept"]);
  expect(held.size).toBe(0);
});
