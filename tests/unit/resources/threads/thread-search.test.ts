import { describe, expect, test } from "@jest/globals";
import {
  HandleClosedError,
  MethodNotFoundError,
  ProtocolError,
  RequestTimeoutError,
  TransportClosedError,
  type ThreadSearchOptions,
} from "../../../../lib/index.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { LinkedAnew } from "../../../support/linked-anew.js";
import {
  later,
  linked,
  ResponseError,
  type ClientRequest,
  type LinkedServer,
} from "../../../support/linked-server.js";
import { abortListeners, countListeners } from "../machine/commands.js";

const method = "thread/search/stream";
const partial = "thread/search/partial";
const cancel = "thread/search/stream/cancel";

const hit = (id: string) => ({ thread: { id }, snippet: `about ${id}` });
const page = (ids: string[], nextCursor: string | null = null) => ({
  data: ids.map(hit),
  nextCursor,
  backwardsCursor: null,
});
const idsOf = (results: readonly { thread: { id: string } }[]) =>
  results.map(({ thread }) => thread.id);

function found(server: LinkedServer, { id }: Pick<ClientRequest, "id">, ...ids: string[]): void {
  server.notify(partial, { requestId: id, data: ids.map(hit) });
}

/** A search whose pages the test answers by hand. */
async function searching(options: ThreadSearchOptions = {}) {
  const pair = await linked();
  pair.server.handle(method, () => later);
  const counts = countListeners(pair.client);
  const search = pair.client.threadSearch("owl", options);
  const request = await pair.server.nextRequest(method);
  const next = async () => {
    const { value, done } = await search.next();
    if (done) throw new Error("the search is over");
    return value.thread.id;
  };
  /** Whether nothing of the search is left in the client. */
  const held = () => counts.get(partial) ?? 0;
  const cancelled = () => pair.server.paramsOf(cancel);
  return { ...pair, search, request, next, held, cancelled };
}

describe("what is found", () => {
  test("is yielded before the page is there, and what the page brings besides behind it", async () => {
    await using pair = await searching();
    const { next, server, request, search } = pair;
    found(server, request, "b");
    expect(await next()).toBe("b");
    const waiting = next();
    found(server, request, "a");
    expect(await waiting).toBe("a");
    server.respond(request, page(["a", "c", "b", "d"]));
    expect(await next()).toBe("c");
    expect(await next()).toBe("d");
    expect(await search.next()).toEqual({ value: undefined, done: true });
    expect(pair.held()).toBe(0);
    expect(pair.cancelled()).toEqual([]);
  });

  test("counts from the moment the request is written, though the answer comes in the same chunk", async () => {
    await using pair = await linked();
    pair.server.handle(method, (_, request) => {
      pair.server.sendTogether([
        { method: partial, params: { requestId: request.id, data: [hit("early")] } },
        { id: request.id, result: page(["first", "early"]) },
      ]);
      return later;
    });
    expect(idsOf(await collect(pair.client.threadSearch("owl")))).toEqual(["early", "first"]);
  });

  test("is asked for with the words and the options, the last changed first", async () => {
    await using pair = await searching({ limit: 5, archived: true });
    const asked = { searchTerm: "owl", limit: 5, archived: true, sortKey: "updated_at" };
    expect(pair.request.params).toEqual(asked);
  });

  test("may be nothing", async () => {
    await using pair = await searching();
    pair.server.respond(pair.request, page([]));
    expect(await collect(pair.search)).toEqual([]);
    expect((await pair.search.firstPage).data).toEqual([]);
  });

  test("belongs to its own search: what others find is left out", async () => {
    await using pair = await searching();
    const other = pair.client.threadSearch("bear");
    const otherRequest = await pair.server.nextRequest(method);
    found(pair.server, otherRequest, "bear");
    found(pair.server, { id: 9_999 }, "nobody's");
    found(pair.server, { id: String(pair.request.id) }, "not the same id");
    found(pair.server, pair.request, "owl");
    pair.server.respond(pair.request, page(["owl"]));
    pair.server.respond(otherRequest, page(["bear"]));
    expect(idsOf(await collect(pair.search))).toEqual(["owl"]);
    expect(idsOf(await collect(other))).toEqual(["bear"]);
  });

  test("is left to the page when it cannot be read", async () => {
    await using pair = await searching();
    const { server, request } = pair;
    const { id: requestId } = request;
    for (const data of [undefined, null, "x", {}, [null], [1], [{}], [{ thread: null }]]) {
      server.notify(partial, { requestId, data });
    }
    server.notify(partial, { requestId, data: [{ thread: { id: 5 } }, hit("a")] });
    server.send({ method: partial });
    server.respond(request, { ...page(["b"]), data: [hit("b"), { odd: true }, { odd: true }] });
    expect(await collect(pair.search)).toEqual([hit("a"), hit("b"), { odd: true }, { odd: true }]);
  });
});

describe("pages", () => {
  test("are asked for when the one before has been read, and each thread comes once", async () => {
    await using pair = await searching();
    const { server, search, next } = pair;
    server.respond(pair.request, page(["a", "b"], "cursor-1"));
    expect(await next()).toBe("a");
    await settled();
    expect(server.paramsOf(method)).toHaveLength(1);
    expect(await next()).toBe("b");
    await settled();
    expect(server.paramsOf(method)).toHaveLength(1);
    const third = next();
    const second = await server.nextRequest(method);
    expect(second.params["cursor"]).toBe("cursor-1");
    // Of a page that brings nothing new, nothing is yielded: the one behind it is asked for.
    server.respond(second, page(["b", "a"], "cursor-2"));
    const last = await server.nextRequest(method);
    found(server, pair.request, "too late");
    found(server, last, "d");
    expect(await third).toBe("d");
    server.respond(last, page(["c", "d"]));
    expect(idsOf(await collect(search))).toEqual(["c"]);
    expect(pair.held()).toBe(0);
  });

  test("whose cursors go round end", async () => {
    await using pair = await linked();
    pair.server.handle(method, ({ cursor }) =>
      cursor === undefined
        ? page(["a"], "x")
        : page([cursor as string], cursor === "x" ? "y" : "x"),
    );
    expect(idsOf(await collect(pair.client.threadSearch("owl")))).toEqual(["a", "x", "y"]);
  });

  test("the first is a list's, whatever was found early, and goes on after the search", async () => {
    await using pair = await searching();
    const { server, search, request } = pair;
    found(server, request, "b");
    await settled();
    server.respond(request, { ...page(["a", "b"], "cursor-1"), extra: 5 });
    const first = await search.firstPage;
    expect(first).toMatchObject({ nextCursor: "cursor-1", backwardsCursor: null, extra: 5 });
    expect(idsOf(first.data)).toEqual(["a", "b"]);
    await search.close();
    server.handle("thread/search", () => page(["c"]));
    expect(idsOf((await first.getNextPage()).data)).toEqual(["c"]);
    expect(server.paramsOf("thread/search")).toEqual([
      { searchTerm: "owl", sortKey: "updated_at", cursor: "cursor-1" },
    ]);
    expect(pair.cancelled()).toEqual([]);
  });

  test("that make no sense are a ProtocolError", async () => {
    await using pair = await searching();
    pair.server.respond(pair.request, { data: 5 });
    expect(await rejection(pair.search.next())).toBeInstanceOf(ProtocolError);
    expect(await rejection(pair.search.firstPage)).toBeInstanceOf(ProtocolError);
  });
});

describe("ending it", () => {
  test("by leaving the loop cancels the search on the server, once, and waits for that", async () => {
    await using pair = await searching();
    const { server, search, request } = pair;
    server.handle(cancel, () => later);
    found(server, request, "a");
    let isLeft = false;
    const leaving = (async () => {
      for await (const { thread } of search) if (thread.id === "a") break;
      isLeft = true;
    })();
    const question = await server.nextRequest(cancel);
    expect(question.params).toEqual({ requestId: request.id });
    await settled();
    expect(isLeft).toBe(false);
    server.refuse(request, -32_600, "thread search cancelled");
    server.respond(question, {});
    await leaving;
    await search.close();
    await search.return();
    expect(pair.cancelled()).toHaveLength(1);
    expect(await collect(search)).toEqual([]);
    expect(await rejection(search.firstPage)).toBeInstanceOf(HandleClosedError);
    expect(pair.held()).toBe(0);
  });

  test("by its signal throws the reason, and cancels the search once", async () => {
    const abort = new AbortController();
    await using pair = await searching({ signal: abort.signal });
    found(pair.server, pair.request, "a");
    expect(await pair.next()).toBe("a");
    const waiting = rejection(pair.search.next());
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await rejection(pair.search.firstPage)).toBe(reason);
    await pair.search.close();
    expect(pair.cancelled()).toEqual([{ requestId: pair.request.id }]);
    expect(pair.held()).toBe(0);
    expect(abortListeners(abort.signal)).toBe(0);
  });

  test("before it begins sends nothing", async () => {
    await using pair = await linked();
    const reason = new Error("enough");
    const search = pair.client.threadSearch("owl", { signal: AbortSignal.abort(reason) });
    expect(await rejection(search.next())).toBe(reason);
    const closed = pair.client.threadSearch("owl");
    await closed.close();
    await settled();
    expect(pair.server.paramsOf(method)).toEqual([]);
    expect(pair.server.paramsOf(cancel)).toEqual([]);
    expect(await collect(closed)).toEqual([]);
  });

  test("between two pages has nothing to cancel, and unlinks its signal", async () => {
    const { signal } = new AbortController();
    await using pair = await searching({ signal });
    pair.server.respond(pair.request, page(["a", "b"], "more"));
    expect(await pair.next()).toBe("a");
    await pair.search.return();
    await settled();
    expect(pair.server.paramsOf(method)).toHaveLength(1);
    expect(pair.cancelled()).toEqual([]);
    expect(abortListeners(signal)).toBe(0);
  });

  test("by itself unlinks its signal", async () => {
    const { signal } = new AbortController();
    await using pair = await searching({ signal });
    expect(abortListeners(signal)).toBe(1);
    pair.server.respond(pair.request, page(["a"]));
    expect(idsOf(await collect(pair.search))).toEqual(["a"]);
    expect(abortListeners(signal)).toBe(0);
    expect(pair.held()).toBe(0);
  });

  test("while the page is on its way, as the answer comes, neither hangs nor yields", async () => {
    await using pair = await searching();
    pair.server.respond(pair.request, page(["a"], "more"));
    const closed = pair.search.close();
    await closed;
    expect(await collect(pair.search)).toEqual([]);
    expect(pair.server.paramsOf(method)).toHaveLength(1);
  });

  test("in the moment in which the page comes neither hangs nor asks for more", async () => {
    await using pair = await linked();
    pair.server.handle(method, () => page(["a"], "more"));
    const { session } = pair.client;
    const call = session.call.bind(session);
    const ended: Promise<void>[] = [];
    session.call = async (...asked) => {
      const answer = await call(...asked);
      ended.push(search.close());
      return answer;
    };
    const search = pair.client.threadSearch("owl");
    expect(await collect(search)).toEqual([]);
    await Promise.all(ended);
    expect(pair.server.paramsOf(method)).toHaveLength(1);
    expect(pair.server.paramsOf(cancel)).toEqual([]);
  });

  test("asks again when the server is too busy to cancel", async () => {
    await using pair = await searching();
    let asked = 0;
    pair.server.handle(cancel, () => {
      asked += 1;
      if (asked === 1) throw new ResponseError(-32_603, "something went wrong");
      return {};
    });
    await pair.search.close();
    expect(asked).toBe(2);
  });
});

describe("what goes wrong", () => {
  test("a server without the method is told at once, and asked nothing more", async () => {
    await using pair = await linked();
    pair.server.handle(method, () => {
      throw new ResponseError(
        -32_600,
        "Invalid request: unknown variant `thread/search/stream`, expected one of `initialize`",
      );
    });
    const search = pair.client.threadSearch("owl");
    expect(await rejection(search.next())).toBeInstanceOf(MethodNotFoundError);
    expect(await rejection(search.firstPage)).toBeInstanceOf(MethodNotFoundError);
    await search.close();
    expect(pair.server.paramsOf(cancel)).toEqual([]);
  });

  test("a page that takes too long is a RequestTimeoutError, and cancelled", async () => {
    await using pair = await searching({ timeoutMs: 20 });
    const error = await rejection(pair.search.next());
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(error).toMatchObject({ method, sent: true });
    const question = await pair.server.nextRequest(cancel);
    expect(question.params).toEqual({ requestId: pair.request.id });
    expect(pair.held()).toBe(0);
  });

  test("a connection that is lost is thrown behind what was found before", async () => {
    await using pair = await searching();
    found(pair.server, pair.request, "a", "b");
    await settled();
    pair.server.crash();
    expect(await pair.next()).toBe("a");
    expect(await pair.next()).toBe("b");
    const error = await rejection(pair.search.next());
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(await rejection(pair.search.firstPage)).not.toBe(error);
    expect(await collect(pair.search)).toEqual([]);
    expect(pair.cancelled()).toEqual([]);
    expect(pair.held()).toBe(0);
  });

  test("a client that is closed meanwhile is no end of the search", async () => {
    const pair = await searching();
    const waiting = rejection(pair.search.next());
    await pair.client.close();
    expect(await waiting).toMatchObject({ code: "TRANSPORT_CLOSED", reason: { kind: "closed" } });
  });

  test("over a connection that is restored, it is not cancelled by an id that means another request", async () => {
    await using pair = await LinkedAnew.start({
      retryOnOverload: { minTimeoutMs: 50, maxTimeoutMs: 50 },
      prepare: (server, index) => {
        server.handle(method, () => later);
        server.handle(cancel, () => {
          if (index === 0) throw new ResponseError(-32_001, "Server overloaded; retry later.");
          return {};
        });
      },
    });
    const first = pair.server;
    const search = pair.client.threadSearch("owl");
    await first.nextRequest(method);
    const closed = search.close();
    await first.nextRequest(cancel);
    // It pauses before it asks again, and there is another server when it would.
    const server = await pair.reconnect();
    await closed;
    expect(server.paramsOf(cancel)).toEqual([]);
    expect(first.paramsOf(cancel)).toHaveLength(1);
  });

  test("a drop ends the search that is under way, and not one between two pages", async () => {
    await using pair = await LinkedAnew.start({
      prepare: (server) => {
        server.handle(method, ({ cursor, searchTerm }) => {
          if (searchTerm === "slow") return later;
          return cursor === undefined ? page(["a"], "more") : page(["b"]);
        });
      },
    });
    const slow = pair.client.threadSearch("slow");
    const search = pair.client.threadSearch("owl");
    expect((await search.next()).value?.thread.id).toBe("a");
    const lost = rejection(slow.next());
    await pair.reconnect();
    expect(await lost).toMatchObject({ code: "TRANSPORT_CLOSED", reason: { kind: "dropped" } });
    expect(idsOf(await collect(search))).toEqual(["b"]);
  });

  test.each([
    ["", {}, "searchTerm"],
    [5, {}, "searchTerm"],
    ["owl", { limits: 5 }, "limits"],
    ["owl", { signal: {} }, "signal"],
    ["owl", { timeoutMs: 0 }, "timeoutMs"],
  ])("what cannot work is refused before anything is sent: %j %j", async (term, options, name) => {
    await using pair = await linked();
    expect(() => pair.client.threadSearch(term as string, options as ThreadSearchOptions)).toThrow(
      name,
    );
    await settled();
    expect(pair.server.paramsOf(method)).toEqual([]);
  });
});

describe("a slow reader", () => {
  test("makes nothing pile up: what was found early and is too much comes with the page", async () => {
    await using pair = await searching();
    const { server, search, request } = pair;
    const long = "x".repeat(100_000);
    const rows = Array.from({ length: 100 }, (_, index) => ({
      thread: { id: `thread-${index}` },
      snippet: long,
    }));
    for (const row of rows) server.notify(partial, { requestId: request.id, data: [row] });
    await settled();
    expect(pair.client.session.backlogs.bytes).toBeLessThan(1_300_000);
    server.respond(request, { ...page([]), data: rows });
    const all = await collect(search);
    expect(new Set(idsOf(all)).size).toBe(100);
    expect(all).toHaveLength(100);
    expect(pair.client.session.backlogs.bytes).toBe(0);
  });

  test("is told when all consumers together have too much waiting", async () => {
    await using pair = await linked({ maxTotalBacklogBytes: 10_000 });
    pair.server.handle(method, () => ({
      ...page([]),
      data: [{ thread: { id: "a" }, snippet: "x".repeat(20_000) }, hit("b")],
    }));
    const { signal } = new AbortController();
    const search = pair.client.threadSearch("owl", { signal });
    await search.firstPage;
    await settled();
    expect(await rejection(search.next())).toMatchObject({ code: "SLOW_CONSUMER" });
    expect(abortListeners(signal)).toBe(0);
  });
});
