import { describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { Notes } from "../../../../scripts/generate/notes.js";
import type { RequestEntry } from "../../../../scripts/generate/read-methods.js";
import { readMethods } from "../../../../scripts/generate/read-methods.js";
import { renderRpc } from "../../../../scripts/generate/render-rpc.js";
import { unknownResult } from "../../../../scripts/generate/render-types.js";
import { requireUniqueNames } from "../../../../scripts/generate/unique-names.js";
import type { UpstreamSchemas } from "../../../../scripts/generate/upstream-schema.js";
import { readDefinitions } from "../../../../scripts/generate/upstream-schema.js";
import { linesOf, protocol, tableOf, without } from "../../generated/type-tables.js";

const requests =
  '{ "method": "search", id: RequestId, params: ThreadStartParams, }' +
  ' | { "method": "search/all/stop", id: RequestId, params: undefined, }' +
  ' | { "method": "usage/read", id: RequestId, params?: UsageParams | null, }' +
  ' | { "method": "old", id: RequestId, params: OldParams, }';
const stable = {
  ...protocol,
  ClientRequest: requests,
  ThreadStartResponse: "{ thread: Thread, }",
  SearchAllStopResponse: "{ ok: boolean, }",
  OldParams: "{ deep?: boolean, }",
  OldResponse: "{ ok: boolean, }",
};
const gated = { "v2/NewParams": "{ a: string, }", "v2/NewResponse": "{ ok: boolean, }" };
const sources = {
  ...without(stable, "MemoryResetResponse"),
  ...gated,
  ClientRequest: `${requests} | { "method": "new/one", id: RequestId, params: NewParams, }`,
};

function listing(...methods: string[]): UpstreamSchemas {
  const oneOf = methods.map((method) => ({ properties: { method: { enum: [method] } } }));
  return readDefinitions({ definitions: { ClientRequest: { oneOf }, v2: {} } });
}

const types = tableOf(sources, stable);
const methods = readMethods(types, tableOf(stable), new Notes());
const text = renderRpc(methods, types, {
  upstream: listing("search", "search/all/stop", "usage/read", "new/one"),
  notes: new Notes(),
});
const compact = text.replace(/\s+/g, " ");

test("lists the methods", () => {
  expect(compact).toContain(
    'readonly ClientRequestMethod[] = [ "new/one", "old", "search", "search/all/stop", "usage/read", ];',
  );
});

test("makes an interface of each group, and a signature of each method", () => {
  expect(compact).toContain(
    "export interface RpcUsage { /** `usage/read` */ read(params?: AllowUndefined<UsageParams> | null | undefined, options?: RequestOptions): Promise<UsageResponse>; }",
  );
  expect(compact).toContain("/** `search/all/…`. */ export interface RpcSearchAll {");
  expect(compact).toContain("readonly usage: RpcUsage; }");
});

test("makes what is a method and a group callable, and gives it its group", () => {
  expect(compact).toContain("/** `search` */ readonly search: RpcSearch;");
  expect(compact).toContain(
    "export interface RpcSearch { /** `search` */ (params: AllowUndefined<ThreadStartParams>, options?: RequestOptions): Promise<ThreadStartResponse>; readonly all: RpcSearchAll; }",
  );
});

test("two groups never share a name", () => {
  const clash = methods.clientRequests.flatMap((entry) =>
    ["all/usage/read", "allUsage/list"].map((method) => ({ ...entry, method })),
  );
  const context = { upstream: listing("all"), notes: new Notes() };
  const rendered = renderRpc({ ...methods, clientRequests: clash }, types, context);
  expect(rendered.match(/interface \w+/g)).toEqual([
    "interface Rpc",
    "interface RpcAll",
    "interface RpcAll_Usage",
    "interface RpcAllUsage",
  ]);
});

test("params are optional where none are needed", () => {
  expect(compact).toContain("stop(params?: undefined, options?: RequestOptions)");
  expect(compact).toContain("old(params?: AllowUndefined<OldParams>, options?: RequestOptions)");
});

test("marks what is gated, and what the schema no longer lists", () => {
  expect(text).toContain("/**\n * `new/one`\n *\n * @experimental\n */\none(");
  expect(text).toContain("/**\n * `old`\n *\n * @deprecated\n */\nold(");
  expect(text.match(/@(deprecated|experimental)/g)).toHaveLength(2);
});

describe("methods with names that nobody expects", () => {
  const names = ["a", "a/b", "a/b-c/2d", "a/b/name", "x*/y", "__proto__/constructor", "a/then", ""];
  const odd = names.map((method): RequestEntry => ({
    method,
    params: { kind: "keyword", name: "undefined" },
    experimental: false,
    result: undefined,
  }));
  const notes = new Notes();
  const context = { upstream: listing(), notes };
  const rendered = renderRpc({ ...methods, clientRequests: odd }, types, context);

  test("give a module that compiles to these functions", () => {
    const { diagnostics = [], outputText } = ts.transpileModule(rendered, {
      reportDiagnostics: true,
    });
    expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
    expect(outputText).toContain('"a/b-c/2d"');
    expect(() => {
      requireUniqueNames("rpc.ts", rendered);
    }).not.toThrow();
    const flat = rendered.replace(/\s+/g, " ");
    expect(flat).toContain("export interface RpcABC {");
    expect(flat).toContain('"2d"(params?: undefined, options?: RequestOptions): Promise<unknown>;');
    expect(flat).toContain("readonly __proto__: RpcProto;");
    expect(flat).toContain("constructor(params?: undefined");
    expect(flat).toContain("* `x*\\/y` *");
  });

  test("are all there but one that would make its group a promise", () => {
    const listed = /readonly ClientRequestMethod\[\] = (\[.*?\]);/s.exec(rendered)?.[1] ?? "";
    expect(JSON.parse(listed.replace(/,\s*\]/, "]"))).toEqual(
      names.filter((name) => name !== "a/then"),
    );
    expect(linesOf(notes)).toEqual([
      "ClientRequest: no method is marked as deprecated, since its schema lists none",
      "a/then: is called by client.request() only, since its group would be awaited",
    ]);
    expect(rendered).not.toContain("@deprecated");
  });

  test("say that their result is unknown", () => {
    expect(rendered).toContain(`/**\n * \`a/b/name\`\n *\n * ${unknownResult}\n */\nname(`);
  });
});
