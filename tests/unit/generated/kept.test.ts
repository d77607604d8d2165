import { expect, test } from "@jest/globals";
import { keepDropped } from "../../../scripts/generate/keep-dropped.js";
import type { Previous } from "../../../scripts/generate/keep-dropped.js";
import { addKept } from "../../../scripts/generate/kept.js";
import { Notes } from "../../../scripts/generate/notes.js";
import { renderManifest, renderMethodIndex } from "../../../scripts/generate/render-json.js";
import { renderMethods } from "../../../scripts/generate/render-methods.js";
import { renderTypes } from "../../../scripts/generate/render-types.js";
import { linesOf, methodsOf, protocol, shapeOf, tableOf, without } from "./type-tables.js";

/** A release, and the one behind it without two of its methods. */
const before = {
  ...protocol,
  ClientRequest: `${protocol.ClientRequest} | { "method": "usage/clear", id: RequestId, params?: ClearParams | null }`,
  ClearParams: "{ of: Part, list: Array<Part>, thread: Thread, }",
  Part: '"tokens" | "calls"',
};
const after = {
  ...without(protocol, "TimeReadParams", "TimeReadResponse"),
  ServerRequest: '{ "method": "other/read", id: RequestId, params: undefined, }',
  OtherReadResponse: "string",
};

const old = tableOf(before);
const previous: Previous = {
  version: "1.9.0",
  methods: JSON.parse(renderMethodIndex(methodsOf(old))) as Previous["methods"],
  types: renderTypes(old),
};
const types = tableOf(after);
const exported = { version: "1.10.0", methods: methodsOf(types), types };
const kept = keepDropped([], previous, exported);

test("what a newer release dropped is kept, with the types that only it needs", () => {
  expect(kept).toEqual([
    {
      kind: "serverRequests",
      method: "time/read",
      lastRelease: "1.9.0",
      experimental: false,
      params: "TimeReadParams",
      result: "TimeReadResponse",
      types: { TimeReadParams: "{ threadId: string; }", TimeReadResponse: "{ at: number; }" },
    },
    {
      kind: "clientRequests",
      method: "usage/clear",
      lastRelease: "1.9.0",
      experimental: false,
      params: "ClearParams | null | undefined",
      result: null,
      types: {
        ClearParams: "{ of: Part; list: Part[]; thread: Thread; }",
        Part: '"tokens" | "calls"',
      },
    },
  ]);
});

test("nothing more is kept of the same release, of a newer one, and of what is kept already", () => {
  expect(keepDropped(kept, previous, exported)).toEqual(kept);
  expect(keepDropped([], { ...previous, version: "1.10.0" }, exported)).toEqual([]);
  expect(keepDropped([], { ...previous, version: "1.10.1" }, exported)).toEqual([]);
  expect(keepDropped([], { ...previous, version: "1.10.0-alpha.2" }, exported)).toHaveLength(2);
  const alpha = { ...exported, version: "1.9.0-alpha.10" };
  expect(keepDropped([], previous, alpha)).toEqual([]);
  expect(keepDropped([], { ...previous, version: "1.9.0-alpha.9" }, alpha)).toHaveLength(2);
});

test("it is in the generated files, marked with its last release, and not counted", () => {
  const notes = new Notes();
  const all = addKept(kept, exported.methods, { types, notes });
  expect(shapeOf(all.types, "ClearParams")).toBe(
    "export interface ClearParams { of: Part; list: Part[]; thread: Thread; }",
  );
  expect(shapeOf(all.types, "ServerRequest")).toContain(
    '| { method: "time/read"; id: RequestId; params: TimeReadParams; };',
  );
  expect(JSON.parse(renderMethodIndex(all.methods))).toMatchObject({
    clientRequests: {
      "usage/clear": {
        params: "ClearParams",
        paramsOptional: true,
        result: null,
        lastRelease: "1.9.0",
      },
    },
    serverRequests: { "time/read": { params: "TimeReadParams", result: "TimeReadResponse" } },
  });
  expect(renderMethods(all.methods)).toContain(
    "/** Only of older servers: the last release that has it is 1.9.0. */\n" +
      '"time/read": { params: TimeReadParams; result: TimeReadResponse };',
  );
  expect(JSON.parse(renderManifest("1.10.0", all.types, all.methods, []))).toMatchObject({
    counts: { clientRequests: { total: 3 }, serverRequests: { total: 1 } },
    kept: [
      { method: "usage/clear", lastRelease: "1.9.0" },
      { method: "time/read", lastRelease: "1.9.0" },
    ],
  });
  expect(linesOf(notes)).toEqual([]);
});

test("what it needs is kept too when a later release drops that", () => {
  const all = addKept(kept, exported.methods, { types, notes: new Notes() });
  const later = tableOf({
    ...without(after, "Thread", "ThreadStartResponse", "ThreadStartedNotification"),
    ServerNotification: "never",
  });
  const next = keepDropped(
    kept,
    {
      version: "1.10.0",
      methods: JSON.parse(renderMethodIndex(all.methods)) as Previous["methods"],
      types: renderTypes(all.types),
    },
    { version: "1.11.0", methods: methodsOf(later), types: later },
  );
  expect(next.find(({ method }) => method === "usage/clear")?.types).toEqual({
    ClearParams: "{ of: Part; list: Part[]; thread: Thread; }",
    Part: '"tokens" | "calls"',
    Thread: "{ id: string; name: string | null; }",
  });
});

test("a result of which nobody has the type any more is unknown, with a note", () => {
  const notes = new Notes();
  const gone = kept.map((each) => ({ ...each, result: "Gone" }));
  const { methods } = addKept(gone, exported.methods, { types, notes });
  expect(methods.serverRequests.map(({ method, result }) => [method, result])).toEqual([
    ["other/read", "OtherReadResponse"],
    ["time/read", undefined],
  ]);
  expect(linesOf(notes)).toEqual([
    "time/read: its result is unknown, since nothing declares Gone any more",
    "usage/clear: its result is unknown, since nothing declares Gone any more",
  ]);
});

test("a method that is back is the export's own, and so is a type", () => {
  const notes = new Notes();
  const all = addKept(kept, methodsOf(old), { types: old, notes });
  expect(all.types).toEqual(old);
  expect(renderMethods(all.methods)).not.toContain("Only of older servers");
  expect(linesOf(notes)).toEqual([
    "time/read: need not be kept, since the export has it again",
    "usage/clear: need not be kept, since the export has it again",
  ]);
});
