import { describe, expect, test } from "@jest/globals";
import { inspect } from "node:util";
import { Codex, InvalidRequestError } from "../../../../lib/index.js";
import { buildTree, createRpcTree } from "../../../../lib/resources/rpc-tree.js";
import { later, linked, ResponseError } from "../../../support/linked-server.js";
import { methodIndex } from "../../../support/schemas.js";

const methods = Object.keys(methodIndex.clientRequests);
const isNode = (value: unknown): value is object =>
  typeof value === "function" || (typeof value === "object" && value !== null);

/** Every node of a tree by its path, functions and groups. */
function nodesOf(node: object, path = ""): [path: string, node: object][] {
  const inner = Object.entries(node).flatMap(([name, child]) =>
    isNode(child) ? nodesOf(child, path === "" ? name : `${path}/${name}`) : [],
  );
  return [[path, node], ...inner];
}

describe("the tree", () => {
  const sent: unknown[][] = [];
  const tree = createRpcTree((...call) => {
    sent.push(call);
    return Promise.resolve(`answer ${sent.length}`);
  });
  const nodes = nodesOf(tree);

  test("has every method of the protocol at its place, and no other", () => {
    const found = nodes.flatMap(([path, node]) => (typeof node === "function" ? [path] : []));
    expect(found.sort()).toEqual([...methods].sort());
    expect(found.length).toBeGreaterThan(180);
  });

  test.each(methods)("%s sends its own name, with params and options", async (method) => {
    const call = new Map(nodes).get(method) as (...args: unknown[]) => Promise<unknown>;
    const params = { threadId: "thread-1" };
    const options = { timeoutMs: 5 };
    const answer = await call(params, options);
    expect(sent.at(-1)).toEqual([method, params, options]);
    expect(answer).toBe(`answer ${sent.length}`);
  });

  test("can be explored: groups list their methods, and functions have their names", () => {
    expect(Object.keys(tree.thread.goal)).toEqual(["clear", "get", "set"]);
    expect(Object.keys(tree.fuzzyFileSearch)).toEqual([
      "sessionStart",
      "sessionStop",
      "sessionUpdate",
    ]);
    expect(inspect(tree.thread.goal)).toContain("set: [Function: thread/goal/set]");
  });

  test("has nothing where no method is, and is never taken for a promise", () => {
    const loose = tree as object as Record<string, Record<string, unknown>>;
    expect(loose.thread?.rollback).toBeUndefined();
    expect(loose.constructor).toBeUndefined();
    expect("toString" in tree.thread).toBe(false);
    expect(nodes.filter(([, node]) => "then" in node)).toEqual([]);
  });
});

test("names that functions and objects have themselves are methods like all others", async () => {
  const names = [
    "a",
    "a/__proto__",
    "a/__proto__/b",
    "a/apply",
    "a/length",
    "a/name",
    "a/name/x",
    "a/prototype",
    "constructor",
  ];
  const sent: string[] = [];
  const tree = buildTree(names, (method) => Promise.resolve(sent.push(method)));
  const at = (node: object, name: string) =>
    Object.getOwnPropertyDescriptor(node, name)?.value as object;
  for (const name of names) {
    const call = name.split("/").reduce(at, tree) as () => Promise<unknown>;
    await call();
  }
  expect(sent).toEqual(names);
  expect(
    nodesOf(tree).flatMap(([path, node]) => (typeof node === "function" ? [path] : [])),
  ).toEqual(expect.arrayContaining(names));
  expect(Object.getPrototypeOf(tree)).toBeNull();
});

describe("on a client", () => {
  test("is made once, and its calls cross the wire as they are", async () => {
    await using pair = await linked();
    const { rpc } = pair.client;
    expect(pair.client.rpc).toBe(rpc);
    pair.server.handle("thread/goal/set", () => ({ goal: { objective: "Ship it" } }));
    const params = { threadId: "thread-1", objective: "Ship it", status: null };
    expect(await rpc.thread.goal.set(params)).toEqual({ goal: { objective: "Ship it" } });
    expect(pair.server.paramsOf("thread/goal/set")).toEqual([params]);
    await rpc.account.logout();
    expect(pair.server.paramsOf("account/logout")).toEqual([{}]);
  });

  test("its functions work without their group", async () => {
    await using pair = await linked();
    const { archive } = pair.client.rpc.thread as {
      archive: (params: { threadId: string }) => Promise<unknown>;
    };
    await archive({ threadId: "thread-1" });
    expect(pair.server.paramsOf("thread/archive")).toEqual([{ threadId: "thread-1" }]);
  });

  test("a call rejects like a request: refused, or aborted", async () => {
    await using pair = await linked();
    pair.server.handle("thread/read", () => {
      throw new ResponseError(-32_600, "no");
    });
    await expect(pair.client.rpc.thread.read({ threadId: "a" })).rejects.toBeInstanceOf(
      InvalidRequestError,
    );
    pair.server.handle("thread/list", () => later);
    const stop = new AbortController();
    const call = pair.client.rpc.thread.list({}, { signal: stop.signal });
    await pair.server.nextRequest("thread/list");
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

test("on a Codex, looking at the tree starts nothing; a call does", async () => {
  await using codex = new Codex({ codexPath: "/there/is/no/such/codex" });
  const { rpc } = codex;
  expect(Object.keys(rpc.thread)).toContain("start");
  expect(codex.rpc).toBe(rpc);
  await expect(rpc.model.list()).rejects.toMatchObject({ code: "BINARY_NOT_FOUND" });
});
