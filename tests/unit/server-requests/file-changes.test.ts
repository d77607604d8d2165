import { expect, test } from "@jest/globals";
import { FileChanges } from "../../../lib/server-requests/file-changes.js";

function started(itemId: string, turnId = "turn") {
  const item = { type: "fileChange", id: itemId, changes: [] };
  return { method: "item/started", params: { threadId: "thread", turnId, item } };
}

test("open file changes are forgotten one by one, with their turn, and with their thread", () => {
  const changes = new FileChanges();
  for (const item of ["a", "b"])
    for (const turn of ["1", "2"]) changes.observeItem(started(item, turn));
  expect(changes.size).toBe(4);
  changes.observeItem({ ...started("a", "1"), method: "item/completed" });
  expect([changes.of("thread", "1", "a"), changes.of("thread", "1", "b")]).toEqual([undefined, []]);
  changes.turnEnded("thread", "1");
  expect(changes.size).toBe(2);
  changes.threadClosed("another");
  expect(changes.size).toBe(2);
  changes.threadClosed("thread");
  expect(changes.size).toBe(0);
});

test("a server that never ends them cannot fill the memory", () => {
  const changes = new FileChanges();
  for (let index = 0; index < 5_000; index += 1) changes.observeItem(started(`${index}`));
  expect(changes.size).toBe(1_024);
  expect(changes.of("thread", "turn", "4999")).toEqual([]);
});
