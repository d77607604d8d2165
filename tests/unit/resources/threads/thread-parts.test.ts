import { describe, expect, test } from "@jest/globals";
import type { Thread } from "../../../../lib/index.js";
import { rejection } from "../../../support/collect.js";
import { linked, linkedThread, type LinkedServer } from "../../../support/linked-server.js";

const threadId = "thread-1";

/** Each call must be refused for the argument that is named, before anything is sent. */
async function expectRefused(
  server: LinkedServer,
  argument: string,
  ...calls: (() => Promise<unknown>)[]
): Promise<void> {
  const before = server.requests.length;
  for (const call of calls) {
    expect(await rejection(call())).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  }
  expect(server.requests).toHaveLength(before);
}

describe("goal", () => {
  const goal = { threadId, objective: "Work", status: "active" };

  test("is got, set and cleared with what the server takes", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/goal/get", () => ({ goal: null }));
    server.handle("thread/goal/set", () => ({ goal }));
    server.handle("thread/goal/clear", () => ({ cleared: true }));
    expect(await thread.goal.get()).toBeNull();
    expect(await thread.goal.set({ objective: "Work", status: undefined })).toEqual(goal);
    await thread.goal.set({ tokenBudget: null, threadId: "other" } as object);
    await thread.goal.set({ status: "paused", tokenBudget: 1 });
    expect(await thread.goal.clear()).toBe(true);
    expect(server.paramsOf("thread/goal/set")).toEqual([
      { threadId, objective: "Work" },
      { threadId, tokenBudget: null },
      { threadId, status: "paused", tokenBudget: 1 },
    ]);
    expect(server.paramsOf("thread/goal/get")).toEqual([{ threadId }]);
    expect(server.paramsOf("thread/goal/clear")).toEqual([{ threadId }]);
  });

  test("is set on a loaded thread, but got and cleared without loading it", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/goal/set", () => ({ goal }));
    const thread = client.thread("thread-8");
    await thread.goal.get();
    await thread.goal.clear();
    expect(server.paramsOf("thread/resume")).toEqual([]);
    await thread.goal.set({ objective: "Work" });
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-8" }]);
  });

  test("needs an objective of 1 to 4,000 characters, spaces around it not counted", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/goal/set", () => ({ goal }));
    const set = (objective: unknown) => () => thread.goal.set({ objective: objective as string });
    const tooLong = ["x".repeat(4_001), "🙂".repeat(4_001), "x".repeat(100_000)];
    await expectRefused(server, "objective", ...["", " \n", 7, ...tooLong].map(set));
    for (const fits of ["x", ` ${"x".repeat(4_000)}\n`, "🙂".repeat(4_000)]) await set(fits)();
    expect(server.paramsOf("thread/goal/set")).toHaveLength(3);
  });

  test("needs a budget of whole tokens, more than none", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const set = (budget: unknown) => () => thread.goal.set({ tokenBudget: budget as number });
    const budgets = [0, -1, 1.5, NaN, Infinity, "100", 2 ** 60];
    await expectRefused(server, "tokenBudget", ...budgets.map(set));
  });
});

describe("attachments", () => {
  const identity = { attachmentType: "issue", identityKey: "42" };

  test("are added and removed by what identifies them", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/attachment/add", () => ({ outcome: "created", attachment: {} }));
    const added = await thread.attachments.add({ ...identity, payload: null });
    expect(added).toEqual({ outcome: "created", attachment: {} });
    await thread.attachments.remove({ ...identity, payload: 1 } as typeof identity);
    expect(server.paramsOf("thread/attachment/add")).toEqual([
      { threadId, ...identity, payload: null },
    ]);
    expect(server.paramsOf("thread/attachment/remove")).toEqual([{ threadId, ...identity }]);
  });

  test("need a type and a key", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const calls = (fields: object) => {
      const bad = { ...identity, ...fields };
      return [
        () => thread.attachments.add({ ...bad, payload: 1 }),
        () => thread.attachments.remove(bad),
        async () => client.attachmentOwners(bad).all(),
      ];
    };
    await expectRefused(server, "attachmentType", ...calls({ attachmentType: "" }));
    await expectRefused(server, "identityKey", ...calls({ identityKey: undefined }));
  });
});

describe("terminals", () => {
  test("are terminated by their process id, and cleaned", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const method = "thread/backgroundTerminals/terminate";
    server.handle(method, () => ({ terminated: true }));
    expect(await thread.terminals.terminate("52026")).toBe(true);
    await thread.terminals.clean();
    expect(server.paramsOf(method)).toEqual([{ threadId, processId: "52026" }]);
    expect(server.paramsOf("thread/backgroundTerminals/clean")).toEqual([{ threadId }]);
    const bad = ["", "call_1", "-5", 52_026, undefined] as string[];
    await expectRefused(
      server,
      "processId",
      ...bad.map((id) => () => thread.terminals.terminate(id)),
    );
  });

  test("are looked for on a thread that is loaded first", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const method = "thread/backgroundTerminals/list";
    server.handle(method, () => ({ data: [], nextCursor: null }));
    expect(await client.thread("thread-8").terminals.list().all()).toEqual([]);
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-8" }]);
  });
});

describe("sections", () => {
  test("are made, changed and deleted; what is left out of the looks stays", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const section = { id: "section-1", name: "Work", appearance: null };
    server.handle("threadSection/create", () => ({ section }));
    server.handle("threadSection/update", () => ({ section }));
    const { sections } = client;
    expect(await sections.create("Work")).toEqual(section);
    await sections.create("Work", { appearance: { icon: "star" } });
    expect(await sections.update("section-1", "Play")).toEqual(section);
    await sections.update("section-1", "Play", { appearance: null });
    await sections.delete("section-1");
    expect(server.paramsOf("threadSection/create")).toEqual([
      { name: "Work" },
      { name: "Work", appearance: { icon: "star" } },
    ]);
    expect(server.paramsOf("threadSection/update")).toEqual([
      { sectionId: "section-1", name: "Play" },
      { sectionId: "section-1", name: "Play", appearance: null },
    ]);
    expect(server.paramsOf("threadSection/delete")).toEqual([{ sectionId: "section-1" }]);
  });

  test("need a name and an id", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const { sections } = client;
    await expectRefused(
      server,
      "name",
      () => sections.create(""),
      () => sections.update("section-1", undefined as unknown as string),
    );
    await expectRefused(
      server,
      "sectionId",
      () => sections.update("", "Work"),
      () => sections.delete(""),
    );
  });
});

test("a handle has its parts at once, and having them sends nothing", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const before = server.requests.length;
  const thread: Thread = client.thread("thread-8");
  expect(thread.goal).toBe(thread.goal);
  expect(thread.queue).toBe(thread.queue);
  expect(thread.attachments).toBe(thread.attachments);
  expect(thread.terminals).toBe(thread.terminals);
  expect(server.requests).toHaveLength(before);
});
