import { expect, test } from "@jest/globals";
import { readMethods } from "../../../scripts/generate/read-methods.js";
import type { UpstreamSchemas } from "../../../scripts/generate/relax.js";
import { renderRpc } from "../../../scripts/generate/render-rpc.js";
import { protocol, tableOf, without } from "../generated/type-tables.js";

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
  return { definitions: { ClientRequest: { oneOf }, v2: {} } } as object as UpstreamSchemas;
}

const types = tableOf(sources, stable);
const methods = readMethods(types, tableOf(stable));
const text = renderRpc(
  methods,
  types,
  listing("search", "search/all/stop", "usage/read", "new/one"),
);
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
  const rendered = renderRpc({ ...methods, clientRequests: clash }, types, listing());
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
