import { describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  InvalidRequestError,
  ThreadBusyError,
  ThreadNotFoundError,
  type protocol,
} from "../../../../lib/index.js";
import { rejection, settled } from "../../../support/collect.js";
import { later, linked, linkedThread, ResponseError } from "../../../support/linked-server.js";
import { opened, turnCompleted } from "../../../support/turn-messages.js";

const notFound = () => {
  throw new ResponseError(-32_600, "thread not found: thread-1");
};

describe("fork()", () => {
  test("sends what it is given, leaves the history out, and gives a handle on the copy", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    server.handle("thread/fork", () => opened("thread-9"));
    const fork = await thread.fork({ lastTurnId: "turn-3", cwd: undefined, model: null });
    expect(fork.id).toBe("thread-9");
    expect(fork.opened).toMatchObject({ model: "mock-model" });
    const options = { threadId: "thread-7", excludeTurns: false };
    await client.forkThread("thread-8", options);
    expect(server.paramsOf("thread/fork")).toEqual([
      { threadId: "thread-1", excludeTurns: true, lastTurnId: "turn-3", model: null },
      { threadId: "thread-8", excludeTurns: false },
    ]);
    await fork.turn("Hi").started;
    expect(server.paramsOf("thread/resume")).toEqual([]);
  });
});

describe("revert()", () => {
  const turnPages =
    (pages: Record<string, object>) =>
    ({ cursor }: Record<string, unknown>) =>
      pages[(cursor as string | undefined) ?? "first"];

  test("looks for the turn in all pages first, and gives the thread as it is then", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle(
      "thread/turns/list",
      turnPages({
        first: { data: [{ id: "turn-3" }], nextCursor: "second" },
        second: { data: [{ id: "turn-2" }, { id: "turn-1" }], nextCursor: null },
      }),
    );
    server.handle("thread/revert", () => ({ thread: { id: "thread-1", preview: "Hi" } }));
    expect(await thread.revert({ beforeTurnId: "turn-2" })).toMatchObject({ preview: "Hi" });
    expect(server.paramsOf("thread/revert")).toEqual([
      { threadId: "thread-1", beforeTurnId: "turn-2" },
    ]);
  });

  test("of a turn that is in no page is refused, and nothing is reverted", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/turns/list", () => ({ data: [{ id: "turn-1" }], nextCursor: null }));
    const error = await rejection(thread.revert({ beforeTurnId: "turn-9" }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument: "beforeTurnId" });
    expect(server.paramsOf("thread/revert")).toEqual([]);
  });

  test("keeps the turns of handles out until it is done, also when it fails", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/turns/list", () => ({ data: [{ id: "turn-1" }], nextCursor: null }));
    server.handle("thread/revert", () => later);
    const reverting = rejection(thread.revert({ beforeTurnId: "turn-1" }));
    const request = await server.nextRequest("thread/revert");
    const turn = thread.turn("Hi");
    await settled();
    expect(server.paramsOf("turn/start")).toEqual([]);
    server.refuse(request, -32_603, "the disk is full");
    await reverting;
    await turn.started;
  });

  test.each(["", undefined, 7])("refuses %p as a turn, and sends nothing", async (beforeTurnId) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const before = server.requests.length;
    const error = await rejection(thread.revert({ beforeTurnId: beforeTurnId as string }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "beforeTurnId" });
    expect(server.requests).toHaveLength(before);
  });
});

describe("delete()", () => {
  test("sends the id; afterwards the thread counts as not loaded", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    await thread.delete();
    await client.deleteThread("thread-8");
    expect(server.paramsOf("thread/delete")).toEqual([
      { threadId: "thread-1" },
      { threadId: "thread-8" },
    ]);
    await thread.turn("Hi").started;
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-1" }]);
  });

  test("that is refused leaves a thread that has to be loaded again", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/delete", () => {
      throw new ResponseError(-32_600, "cannot delete thread: forked history still references it");
    });
    expect(await rejection(thread.delete())).toBeInstanceOf(InvalidRequestError);
    await thread.turn("Hi").started;
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-1" }]);
  });
});

describe("unsubscribe()", () => {
  test("gives what the server says, and the next turn loads the thread again", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/unsubscribe", () => ({ status: "unsubscribed" }));
    expect(await thread.unsubscribe()).toBe("unsubscribed");
    await thread.turn("Hi").started;
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-1" }]);
  });

  test("is refused, and not sent, while a turn runs or is about to", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    for (const handle of [thread, client.thread("thread-1")]) {
      const error = await rejection(handle.unsubscribe());
      expect(error).toBeInstanceOf(ThreadBusyError);
      expect((error as Error).message).toContain("Wait for that turn, or interrupt it.");
    }
    expect(server.paramsOf("thread/unsubscribe")).toEqual([]);
    server.send(turnCompleted({ threadId: "thread-1", turnId: "turn-1" }));
    await turn.run();
    await thread.unsubscribe();
  });

  test("keeps a turn that comes meanwhile until it is known that it needs a resume", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/unsubscribe", () => later);
    const leaving = thread.unsubscribe();
    const request = await server.nextRequest("thread/unsubscribe");
    const turn = thread.turn("Hi");
    await settled();
    expect(server.paramsOf("turn/start")).toEqual([]);
    server.respond(request, { status: "unsubscribed" });
    await leaving;
    await turn.started;
    const methods = server.requests.map(({ method }) => method);
    expect(methods.indexOf("thread/resume")).toBeLessThan(methods.indexOf("turn/start"));
    expect(methods).toContain("thread/resume");
  });
});

describe("injectItems()", () => {
  const items = [{ type: "message", role: "user", content: [] }];

  test("loads the thread, and sends the items as they are", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    await client.thread("thread-8").injectItems(items);
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-8" }]);
    expect(server.paramsOf("thread/inject_items")).toEqual([{ threadId: "thread-8", items }]);
  });

  test("is sent once more for a thread that was unloaded unnoticed, and only once", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    let attempts = 0;
    server.handle("thread/inject_items", () => ((attempts += 1) === 1 ? notFound() : {}));
    await thread.injectItems(items);
    expect(server.paramsOf("thread/resume")).toMatchObject([{ threadId: "thread-1" }]);
    server.handle("thread/inject_items", notFound);
    expect(await rejection(thread.injectItems(items))).toBeInstanceOf(ThreadNotFoundError);
    expect(server.paramsOf("thread/inject_items")).toHaveLength(4);
  });

  test.each([[[]], [undefined], ["an item"], [{ type: "message" }]])(
    "refuses %p, and sends nothing",
    async (value) => {
      await using pair = await linkedThread();
      const { server, thread } = pair;
      const before = server.requests.length;
      const error = await rejection(thread.injectItems(value as protocol.JsonValue[]));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "items" });
      expect(server.requests).toHaveLength(before);
    },
  );
});

describe("updateMetadata()", () => {
  test("sends null and leaves out undefined, and does not load the thread", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/metadata/update", () => ({ thread: { id: "thread-8" } }));
    const gitInfo = { sha: "abc", branch: null };
    const thread = client.thread("thread-8");
    const record = await thread.updateMetadata({ gitInfo, projectId: undefined });
    expect(record).toEqual({ id: "thread-8" });
    expect(server.paramsOf("thread/metadata/update")).toEqual([{ threadId: "thread-8", gitInfo }]);
    expect(server.paramsOf("thread/resume")).toEqual([]);
  });

  test("cannot be led to another thread", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/metadata/update", () => ({ thread: { id: "thread-1" } }));
    await thread.updateMetadata({ threadId: "other", daybreakEnabled: true } as object);
    expect(server.paramsOf("thread/metadata/update")).toMatchObject([{ threadId: "thread-1" }]);
  });
});

describe("updateSettings()", () => {
  test("writes the sandbox as the server takes it, and loads the thread", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const thread = client.thread("thread-8");
    await thread.updateSettings({ model: "gpt-x", effort: "high", cwd: undefined });
    await thread.updateSettings({ sandbox: "danger-full-access" });
    await thread.updateSettings({ sandbox: { type: "readOnly", networkAccess: true } });
    await thread.updateSettings({ sandbox: null, serviceTier: null });
    const threadId = "thread-8";
    expect(server.paramsOf("thread/settings/update")).toEqual([
      { threadId, model: "gpt-x", effort: "high" },
      { threadId, sandboxPolicy: { type: "dangerFullAccess" } },
      { threadId, sandboxPolicy: { type: "readOnly", networkAccess: true } },
      { threadId, sandboxPolicy: null, serviceTier: null },
    ]);
    expect(server.paramsOf("thread/resume")).toHaveLength(1);
  });

  test("refuses a sandbox that there is not, and sends nothing", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const before = server.requests.length;
    const sandbox = "none" as "read-only";
    const error = await rejection(thread.updateSettings({ sandbox }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "sandbox" });
    expect(server.requests).toHaveLength(before);
  });
});

describe("moveToSection()", () => {
  test("sends the section, null for none, and the neighbour", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    await thread.moveToSection("section-1", { beforeThreadId: "thread-2" });
    await thread.moveToSection(null);
    expect(server.paramsOf("thread/section/move")).toEqual([
      { threadId: "thread-1", sectionId: "section-1", beforeThreadId: "thread-2" },
      { threadId: "thread-1", sectionId: null },
    ]);
    const error = await rejection(thread.moveToSection(""));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "sectionId" });
  });
});

describe("lists", () => {
  const pages = ({ cursor }: Record<string, unknown>) =>
    cursor === "next"
      ? { data: [{ id: "b" }], nextCursor: null }
      : { data: [{ id: "a" }], nextCursor: "next" };

  test.each([
    ["searchOccurrences", "thread/searchOccurrences", { searchTerm: "owl" }],
    ["terminals", "thread/backgroundTerminals/list", {}],
    ["attachments", "thread/attachment/list", {}],
    ["queue", "thread/queue/list", {}],
  ] as const)("of %s page through the thread's own", async (list, method, more) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle(method, pages);
    const options = { limit: 1, threadId: "other" };
    const entries =
      list === "searchOccurrences"
        ? thread.searchOccurrences("owl", options)
        : thread[list].list(options);
    expect(await entries.all()).toEqual([{ id: "a" }, { id: "b" }]);
    expect(server.paramsOf(method)).toEqual([
      { threadId: "thread-1", limit: 1, ...more },
      { threadId: "thread-1", limit: 1, cursor: "next", ...more },
    ]);
  });

  test("of the whole server page, too", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const identity = { attachmentType: "issue", identityKey: "42" };
    const lists = [
      [client.searchThreads("owl", { limit: 1 }), "thread/search"],
      [client.loadedThreads({ limit: 1 }), "thread/loaded/list"],
      [client.attachmentOwners({ ...identity, limit: 1 }), "thread/attachmentOwner/list"],
      [client.sections.list({ limit: 1 }), "threadSection/list"],
    ] as const;
    for (const [list, method] of lists) {
      server.handle(method, pages);
      expect(await list.all()).toEqual([{ id: "a" }, { id: "b" }]);
    }
    const sent = (method: string) => server.paramsOf(method);
    const search = { searchTerm: "owl", sortKey: "updated_at", limit: 1 };
    expect(sent("thread/search")).toEqual([search, { ...search, cursor: "next" }]);
    expect(sent("thread/loaded/list")).toEqual([{ limit: 1 }, { limit: 1, cursor: "next" }]);
    expect(sent("thread/attachmentOwner/list")[1]).toEqual({
      ...identity,
      limit: 1,
      cursor: "next",
    });
    expect(sent("threadSection/list")[0]).toEqual({ limit: 1 });
  });

  test("are searched for a text that is one", async () => {
    await using pair = await linkedThread();
    const { client, thread } = pair;
    for (const term of ["", undefined, 7] as string[]) {
      for (const search of [
        () => client.searchThreads(term),
        () => thread.searchOccurrences(term),
      ]) {
        expect(search).toThrow(InvalidArgumentError);
        expect(search).toThrow("searchTerm must be");
      }
    }
  });

  test("of search results keep the order that the caller asks for", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/search", () => ({ data: [], nextCursor: null }));
    await client.searchThreads("owl", { sortKey: "created_at" }).all();
    await client.searchThreads("owl", { sortKey: undefined }).all();
    expect(server.paramsOf("thread/search").map(({ sortKey }) => sortKey)).toEqual([
      "created_at",
      "updated_at",
    ]);
  });
});
