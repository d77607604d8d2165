import { expect, test } from "@jest/globals";
import { checkTurnStreamStore, MemoryStreamStore, TurnStreams } from "../../../lib/http/index.js";
import { collect } from "../../support/collect.js";
import { FolderStreamStore } from "../../support/folder-stream-store.js";
import { ScriptedTurn } from "../../support/scripted-turn.js";
import { makeTempDir } from "../../support/temp-dir.js";

test("the store in memory does what a store has to do", async () => {
  await checkTurnStreamStore(() => ({ writing: new MemoryStreamStore() }));
});

test("a store that processes share through a folder does, too", async () => {
  const folder = await makeTempDir();
  await checkTurnStreamStore(() => ({
    writing: new FolderStreamStore(folder.path),
    reading: new FolderStreamStore(folder.path),
  }));
  await folder.remove();
});

test("another process shows a turn, while only that which runs it can change it", async () => {
  const folder = await makeTempDir();
  const make = () =>
    new TurnStreams({ authorize: () => true, store: new FolderStreamStore(folder.path) });
  const [here, there] = [make(), make()];
  const scripted = new ScriptedTurn().start();
  const id = here.add(scripted.turn, { owner: "ada" });
  const request = (method: string) => new Request("http://localhost/", { method });
  const elsewhere = { code: "TURN_ELSEWHERE", status: 421 };
  await (await here.response(request("HEAD"), id)).text();
  await expect(there.interrupt(request("POST"), id)).rejects.toMatchObject(elsewhere);
  const answer = { key: "key", decision: "accept" } as const;
  await expect(there.answer(request("POST"), id, answer)).rejects.toMatchObject(elsewhere);
  const seen = Promise.all([here, there].map((each) => each.response(request("GET"), id)));
  scripted.end();
  const [own, others] = await Promise.all((await seen).map((response) => response.text()));
  expect(own).toContain("event: end");
  expect(others).toBe(own);
  const parts = await collect(await there.parts(request("GET"), id));
  expect([parts[0]?.type, parts.at(-1)?.type]).toEqual(["start", "end"]);
  await Promise.all([here.close(), there.close()]);
  await folder.remove();
});

test("with a way to it, a turn of another process is changed from here, by what its stream shows", async () => {
  const store = new MemoryStreamStore();
  const calls: unknown[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      calls.push([name, ...args]);
      return Promise.resolve();
    };
  const remote = { answer: note("answer"), steer: note("steer"), interrupt: note("interrupt") };
  const here = new TurnStreams({ authorize: () => true, store });
  const there = new TurnStreams({ authorize: () => true, store, remote });
  const scripted = new ScriptedTurn().start().ask("one");
  const id = here.add(scripted.turn, { owner: "ada" });
  const request = (method = "POST") => new Request("http://localhost/", { method });
  for await (const part of await there.parts(request("GET"), id))
    if (part.type === "request") break;
  await there.answer(request(), id, { key: "one", decision: "decline" });
  await there.steer(request(), id, "Be brief.");
  await there.interrupt(request(), id);
  expect(calls).toEqual([
    ["answer", id, "one", "decline"],
    ["steer", id, ["Be brief."]],
    ["interrupt", id],
  ]);
  const other = { key: "two", decision: "accept" } as const;
  await expect(there.answer(request(), id, other)).rejects.toMatchObject({ code: "NOT_FOUND" });
  const wide = { key: "one", decision: "acceptForSession" } as const;
  await expect(there.answer(request(), id, wide)).rejects.toMatchObject({
    code: "DECISION_REFUSED",
  });
  scripted.end();
  await collect(await there.parts(request("GET"), id));
  await there.interrupt(request(), id);
  expect(calls).toHaveLength(3);
  await expect(there.steer(request(), id, "More.")).rejects.toMatchObject({ code: "TURN_OVER" });
  await Promise.all([here.close(), there.close()]);
  const broken = { ...remote, steer: 1 } as unknown as typeof remote;
  expect(() => new TurnStreams({ authorize: () => true, remote: broken })).toThrow("remote");
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
