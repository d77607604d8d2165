import { expect, test } from "@jest/globals";
import { checkTurnStreamStore, MemoryStreamStore } from "../../../lib/http/index.js";

test("the store in memory does what a store has to do", async () => {
  await checkTurnStreamStore(() => ({ writing: new MemoryStreamStore() }));
});

test("a store that forgets an event is found out, and the check says by what", async () => {
  class Forgetful extends MemoryStreamStore {
    override append(...[id, events]: Parameters<MemoryStreamStore["append"]>) {
      return super.append(id, events.slice(0, 1));
    }
  }
  const check = checkTurnStreamStore(() => ({ writing: new Forgetful() }));
  await expect(check).rejects.toThrow('fails the check "a stream tells whose it is');
});

test("a store that is closed keeps nothing, and leaves no reader waiting", async () => {
  const store = new MemoryStreamStore();
  const limits = { retainMs: 60_000, maxBytes: 1_000 };
  await store.create("one", { owner: "ada", threadId: "t" }, limits);
  await store.append("one", [{ seq: 1, type: "x", data: "{}" }]);
  const { signal } = new AbortController();
  const waiting = store.read("one", 1, { maxBytes: 100, waitMs: 60_000, signal });
  await store.close();
  expect(await waiting).toEqual({ events: [], ended: true });
  expect(store.size).toBe(0);
});
