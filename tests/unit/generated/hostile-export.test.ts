import path from "node:path";
import { expect, test } from "@jest/globals";
import ts from "typescript";
import { makeFiles } from "../../../scripts/generate/generate.js";
import { writeFiles } from "../../../scripts/generate/output.js";
import { makeTempDir } from "../../support/temp-dir.js";
import { filesOf, protocol, without } from "./type-tables.js";

/** A release that does everything otherwise at once. */
const sources = {
  ...without(protocol, "ThreadStartResponse"),
  ClientRequest:
    `${protocol.ClientRequest} | { "method": "a", id: RequestId, params: [string] }` +
    ' | { "method": "a/b-c/name", id: RequestId, params: { deep: Loop, cwd: string } }' +
    ' | { "method": "__proto__/constructor", id: RequestId, params: Keys }' +
    ' | { "method": "a/then", id: RequestId, params: undefined } | Odd' +
    ' | { "method": "A/x", id: RequestId, params: ClientRequests }' +
    ' | { "method": "/x", id: RequestId, params: null } | { "method": "", id: RequestId }' +
    ' | { "method": "a//x", id: RequestId, params: String } | { "method": "a/new", id: RequestId }',
  ServerRequest: `${protocol.ServerRequest} | { "method": "soul/read", id: RequestId, params: Odd, }`,
  ServerNotification:
    `${protocol.ServerNotification} | { "method": "tick" }` +
    ' | { "method": "__proto__", "params": Odd } | { "method": "sky", "params": Sky }',
  Odd: "[string, number]",
  Sky: '{ clouds: Array<[number]>, "2nd-name": string, __proto__: string, self: Sky | null }',
  Loop: "Loop | string",
  Keys: "{ __proto__: string, constructor: number }",
  List: "Array<List>",
  Nobody: "never",
  Record: "{ a: string }",
  String: "{ length: Object, error: Error }",
  Object: "{ toString: string, hasOwnProperty: boolean | null }",
  Error: '"Error"',
  Rpc: "{ new: RpcA }",
  RpcA: "Array<Rpc>",
  ClientRequests: "Array<string>",
  "v3/Thread": "number",
};

test("a protocol of which half is not understood still gives files that compile", async () => {
  await using folder = await makeTempDir();
  const { files, notes } = await makeFiles(
    { version: "9.9.9", all: filesOf(sources), stable: filesOf(sources), schemas: [true] },
    { kept: [] },
    folder.path,
  );
  expect(notes.map(({ where, what }) => `${where}: ${what}`)).toEqual(
    expect.arrayContaining([
      "JSON Schema: each field is as exported",
      "Loop: is unknown",
      "Odd: a TupleType in it is unknown",
      "Record: is named ProtocolRecord",
      "Sky.clouds: a TupleType in it is unknown",
      "a/then: is called by client.request() only",
      "sky: goes to everybody who listens to all notifications",
      "soul/read: its result is unknown",
      "thread/start: its result is unknown",
      "tick: goes to everybody who listens to all notifications",
    ]),
  );
  const manifest = JSON.parse(files.get("manifest.json") ?? "") as { notes: unknown };
  expect(manifest.notes).toEqual(notes);

  const stubs = [
    ["lib/protocol.ts", "export type AllowUndefined<T> = { [K in keyof T]: T[K] };"],
    ["lib/index.ts", "export interface RequestOptions { timeoutMs?: number }"],
  ] as const;
  const sourceFiles = [...files].map(([name, text]) => [`generated/${name}`, text] as const);
  await writeFiles(folder.path, new Map([...sourceFiles, ...stubs]));
  const program = ts.createProgram(
    ["methods", "paths", "routing", "rpc", "types"].map((name) =>
      path.join(folder.path, "generated", `${name}.ts`),
    ),
    {
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      lib: ["lib.es2023.d.ts"],
      skipLibCheck: true,
      types: [],
    },
  );
  const problems = ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => [
      file?.fileName,
      ts.flattenDiagnosticMessageText(messageText, "\n"),
    ]);
  expect(problems).toEqual([]);

  const schema = JSON.parse(files.get("schemas/protocol.json") ?? "") as {
    definitions: Record<string, object>;
  };
  expect(schema.definitions["Odd"]).toEqual({});
  expect(schema.definitions["Sky"]).toMatchObject({ properties: { clouds: { type: "array" } } });
  expect(Object.keys(schema.definitions)).toContain("List");
  expect(files.get("rpc.ts")).toContain('["new"](params?: undefined');
  expect(files.get("routing.ts")).toContain('["__proto__"]: {}');
}, 120_000);

test("a method that is listed twice stops it, and so does what is no TypeScript", async () => {
  await using folder = await makeTempDir();
  const make = (more: Record<string, string>) => {
    const all = filesOf({ ...protocol, ...more });
    const exported = { version: "9.9.9", all, stable: all, schemas: undefined };
    return makeFiles(exported, { kept: [] }, folder.path);
  };
  await expect(make({ Thread: "{ id: string" })).rejects.toThrow("Thread.ts is no TypeScript");
  await expect(
    make({ ClientNotification: '{ "method": "a" } | { "method": "a", params: string }' }),
  ).rejects.toThrow("ClientNotification lists the method a twice");
}, 120_000);
