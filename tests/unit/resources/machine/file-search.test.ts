import { describe, expect, test } from "@jest/globals";
import { HandleClosedError } from "../../../../lib/errors/machine-errors.js";
import type { FileSearchOptions } from "../../../../lib/resources/machine/file-search.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { later, linked, type LinkedServer } from "../../../support/linked-server.js";
import { abortListeners, countListeners } from "./commands.js";

const file = (path: string) => ({
  root: "/dir",
  path,
  file_name: path,
  match_type: "file",
  score: 1,
  indices: [0],
});

function sessionOf(server: LinkedServer): unknown {
  return server.paramsOf("fuzzyFileSearch/sessionStart").at(-1)?.["sessionId"];
}

function updated(server: LinkedServer, query: string, ...paths: string[]): void {
  const files = paths.map(file);
  const params = { sessionId: sessionOf(server), query, files };
  server.notify("fuzzyFileSearch/sessionUpdated", params);
}

function completed(server: LinkedServer): void {
  server.notify("fuzzyFileSearch/sessionCompleted", { sessionId: sessionOf(server) });
}

async function searching(options: FileSearchOptions = {}) {
  const pair = await linked();
  const counts = countListeners(pair.client);
  const search = pair.client.fileSearch({ roots: ["/dir"], ...options });
  await search.ready;
  const next = async () => {
    const { value, done } = await search.next();
    if (done) throw new Error("the search is over");
    return { ...value, files: value.files.map(({ path }) => path) };
  };
  return { ...pair, counts, search, next };
}

describe("a search", () => {
  test("yields what is found for the newest query, the newest only, and when that is all", async () => {
    await using pair = await searching();
    const { next, search, server } = pair;
    await search.update("a");
    updated(server, "a", "a1");
    expect(await next()).toEqual({ query: "a", files: ["a1"], complete: false });
    updated(server, "a", "a1", "a2");
    updated(server, "a", "a1", "a2", "a3");
    await settled();
    expect(await next()).toEqual({ query: "a", files: ["a1", "a2", "a3"], complete: false });
    completed(server);
    expect(await next()).toEqual({ query: "a", files: ["a1", "a2", "a3"], complete: true });
  });

  test("is complete with the last results, when the news comes before them", async () => {
    await using pair = await searching({ query: "a" });
    const { next, server } = pair;
    await server.nextRequest("fuzzyFileSearch/sessionUpdate");
    server.handle("fs/unwatch", () => {
      updated(server, "a", "a1", "a2");
      return {};
    });
    updated(server, "a", "a1");
    completed(server);
    await settled();
    expect(await next()).toEqual({ query: "a", files: ["a1", "a2"], complete: true });
    updated(server, "a", "a1", "a2", "a3");
    expect(await next()).toEqual({ query: "a", files: ["a1", "a2", "a3"], complete: true });
  });

  test("says once that it is complete", async () => {
    await using pair = await searching({ query: "a" });
    const { next, search, server } = pair;
    await server.nextRequest("fuzzyFileSearch/sessionUpdate");
    updated(server, "a");
    completed(server);
    completed(server);
    await settled();
    expect(await next()).toEqual({ query: "a", files: [], complete: true });
    await search.close();
    expect(await collect(search)).toEqual([]);
  });

  test("begins anew with each query: what comes of older ones is left out", async () => {
    await using pair = await searching();
    const { next, search, server } = pair;
    updated(server, "");
    completed(server);
    await search.update("a");
    updated(server, "a", "a1");
    server.handle("fs/unwatch", () => later);
    completed(server);
    const question = await server.nextRequest("fs/unwatch");
    await settled();
    await search.update("b");
    updated(server, "a", "a2");
    server.respond(question, {});
    updated(server, "b", "b1");
    await settled();
    expect(await next()).toEqual({ query: "b", files: ["b1"], complete: false });
  });

  test("sends one query at a time, and of those that wait only the newest", async () => {
    await using pair = await searching();
    const { search, server } = pair;
    server.handle("fuzzyFileSearch/sessionUpdate", () => later);
    const updates = ["a", "ab", "abc"].map((query) => search.update(query));
    const first = await server.nextRequest("fuzzyFileSearch/sessionUpdate");
    await settled();
    // Nothing was sent when the later ones came.
    expect(first.params).toEqual({ sessionId: sessionOf(server), query: "abc" });
    const more = search.update("abcd");
    await settled();
    expect(server.paramsOf("fuzzyFileSearch/sessionUpdate")).toHaveLength(1);
    server.respond(first, {});
    const last = await server.nextRequest("fuzzyFileSearch/sessionUpdate");
    expect(last.params).toMatchObject({ query: "abcd" });
    server.respond(last, {});
    await Promise.all([...updates, more]);
  });

  test("ends when its loop is left, once", async () => {
    await using pair = await searching({ query: "a" });
    const { counts, search, server } = pair;
    updated(server, "a", "a1");
    for await (const { query } of search) {
      expect(query).toBe("a");
      break;
    }
    await search.close();
    expect(server.paramsOf("fuzzyFileSearch/sessionStop")).toEqual([
      { sessionId: sessionOf(server) },
    ]);
    expect([...counts.values()]).toEqual([0, 0]);
    expect(await rejection(search.update("b"))).toBeInstanceOf(HandleClosedError);
  });

  test("ends with its signal", async () => {
    const abort = new AbortController();
    await using pair = await searching({ signal: abort.signal });
    const reason = new Error("enough");
    const next = rejection(pair.search.next());
    abort.abort(reason);
    expect(await next).toBe(reason);
    await pair.server.nextRequest("fuzzyFileSearch/sessionStop");
    expect(abortListeners(abort.signal)).toBe(0);
  });

  test.each([
    ["roots", { roots: [] }],
    ["roots", { roots: "/dir" }],
    ["roots[1]", { roots: ["/dir", ""] }],
    ["signal", { signal: 7 }],
  ])("refuses wrong %s: %j", async (argument, options) => {
    await using pair = await linked();
    expect(() => pair.client.fileSearch(options as never)).toThrow(
      expect.objectContaining({ argument }),
    );
  });

  test("refuses a query that is no text", async () => {
    await using pair = await searching();
    expect(await rejection(pair.search.update(7 as never))).toMatchObject({ argument: "query" });
    expect(await rejection(pair.client.searchFiles(7 as never))).toMatchObject({
      argument: "query",
    });
  });
});

describe("searchFiles", () => {
  test("asks once, where the server runs unless told otherwise", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("fuzzyFileSearch", () => ({ files: [file("a1")] }));
    expect(await client.searchFiles("a")).toEqual([file("a1")]);
    await client.searchFiles("b", { roots: ["/x", "/y"] });
    const [first, second] = server.paramsOf("fuzzyFileSearch");
    expect(first).toMatchObject({ query: "a", roots: ["."] });
    expect(second).toMatchObject({ query: "b", roots: ["/x", "/y"] });
    expect(first?.["cancellationToken"]).not.toBe(second?.["cancellationToken"]);
  });

  test("stops the server's search when it is aborted", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("fuzzyFileSearch", () => later);
    const abort = new AbortController();
    const reason = new Error("enough");
    const search = rejection(client.searchFiles("a", { signal: abort.signal }));
    const { params } = await server.nextRequest("fuzzyFileSearch");
    abort.abort(reason);
    expect(await search).toBe(reason);
    const stop = await server.nextRequest("fuzzyFileSearch");
    expect(stop.params).toEqual({ ...params, query: "" });
    expect(abortListeners(abort.signal)).toBe(0);
    const never = client.searchFiles("a", { signal: abort.signal });
    expect(await rejection(never)).toBe(reason);
    expect(server.paramsOf("fuzzyFileSearch")).toHaveLength(2);
  });
});
