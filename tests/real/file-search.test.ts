import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  HandleClosedError,
  type AppServerClient,
  type FileSearch,
  type FileSearchResults,
} from "../../lib/index.js";
import { collect } from "../support/collect.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client();
  const names = ["alpha.ts", "beta.ts", "src/alphabet.ts", "src/deep/gamma.md"];
  for (const name of names) {
    const file = path.join(stage.project, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, "");
  }
});
afterAll(() => stage.close());

const pathsOf = ({ files }: Pick<FileSearchResults, "files">) => files.map((file) => file.path);

/**
 * Reads until these files are all that is found; everything before that must be for the same query.
 * The server may say too early that it has looked at everything: just after the query has changed.
 */
async function untilFound(search: FileSearch, query: string, paths: string[]): Promise<void> {
  for (;;) {
    const step = await search.next();
    if (step.done) throw new Error("the search is over");
    expect(step.value.query).toBe(query);
    if (step.value.complete && pathsOf(step.value).toSorted().join() === paths.join()) return;
  }
}

describe("searching once", () => {
  test("finds files by letters of their path, best first, where it is told to", async () => {
    const found = await client.searchFiles("alpha", { roots: [stage.project] });
    expect(found.map((file) => file.path).toSorted()).toEqual(["alpha.ts", "src/alphabet.ts"]);
    expect(found[0]).toMatchObject({
      root: stage.project,
      match_type: "file",
      indices: [0, 1, 2, 3, 4],
    });
    expect(found[0]?.score).toBeGreaterThanOrEqual(found[1]?.score ?? Infinity);
    const apart = await client.searchFiles("sdgm", { roots: [stage.project] });
    expect(apart.map((file) => file.path)).toEqual(["src/deep/gamma.md"]);
  });

  test("looks where the server runs when it is told nothing", async () => {
    const found = await client.searchFiles("beta");
    expect(found.map((file) => file.path)).toEqual(["beta.ts"]);
    const roots = [path.relative(process.cwd(), path.join(stage.project, "src"))];
    const below = await client.searchFiles("gamma", { roots });
    expect(below.map((file) => file.path)).toEqual(["deep/gamma.md"]);
  });

  test("finds nothing for nothing, or nowhere", async () => {
    expect(await client.searchFiles("")).toEqual([]);
    const roots = [path.join(stage.project, "missing")];
    expect(await client.searchFiles("alpha", { roots })).toEqual([]);
  });

  test("is given up when it is aborted", async () => {
    const abort = new AbortController();
    const search = rejection(client.searchFiles("a", { roots: ["/"], signal: abort.signal }));
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await search).toBe(reason);
    expect((await client.searchFiles("beta")).length).toBe(1);
  });
});

describe("searching while somebody types", () => {
  test("shows what is found for each query, until that is all", async () => {
    await using search = client.fileSearch({ roots: [stage.project] });
    await search.update("alp");
    await untilFound(search, "alp", ["alpha.ts", "src/alphabet.ts"]);
    await search.update("alphab");
    await untilFound(search, "alphab", ["src/alphabet.ts"]);
    await search.update("zzzz");
    await untilFound(search, "zzzz", []);
    await search.update("zzzz");
    await untilFound(search, "zzzz", []);
    await search.update("");
    await untilFound(search, "", []);
  });

  test("shows the last of many queries, however fast they come", async () => {
    await using search = client.fileSearch({ roots: [stage.project], query: "b" });
    const typed = ["be", "bet", "beta"].map((query) => search.update(query));
    await untilFound(search, "beta", ["beta.ts"]);
    await Promise.all(typed);
  });

  test("ends when the loop is left: the server knows the search no more", async () => {
    const search = client.fileSearch({ query: "gamma" });
    const ids: string[] = [];
    const stop = client.on("fuzzyFileSearch/sessionUpdated", ({ params }) => {
      ids.push(params.sessionId);
    });
    for await (const results of search) if (pathsOf(results).length === 1) break;
    stop();
    const [sessionId = ""] = ids;
    const update = client.request("fuzzyFileSearch/sessionUpdate", { sessionId, query: "x" });
    expect(await rejection(update)).toMatchObject({
      serverMessage: expect.stringContaining("session not found"),
    });
    expect(await rejection(search.update("x"))).toBeInstanceOf(HandleClosedError);
    await search.close();
    expect(await collect(search)).toEqual([]);
  });

  test("ends with its signal", async () => {
    const abort = new AbortController();
    const search = client.fileSearch({ signal: abort.signal });
    await search.ready;
    const next = rejection(search.next());
    abort.abort(new Error("enough"));
    expect(await next).toBe(abort.signal.reason);
  });

  test("ends with the client, as a loop that is over", async () => {
    const codex = stage.codex();
    const search = codex.fileSearch({ roots: [stage.project] });
    await search.ready;
    const end = collect(search);
    await codex.close();
    expect(await end).toEqual([]);
    expect(await rejection(search.update("x"))).toMatchObject({ code: "TRANSPORT_CLOSED" });
  });
});
