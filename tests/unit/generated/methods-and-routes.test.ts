import { describe, expect, test } from "@jest/globals";
import { Notes } from "../../../scripts/generate/notes.js";
import { readMethods } from "../../../scripts/generate/read-methods.js";
import { renderManifest, renderMethodIndex } from "../../../scripts/generate/render-json.js";
import { renderMethods } from "../../../scripts/generate/render-methods.js";
import { routeOf } from "../../../scripts/generate/routing.js";
import { methodsOf, protocol, tableOf, without } from "./type-tables.js";

describe("reading the methods", () => {
  const stable: Record<string, string> = {
    ...without(protocol, "TimeReadParams", "TimeReadResponse"),
    ServerRequest: '{ "method": "other/read", id: RequestId, params: ThreadStartParams, }',
  };
  const types = tableOf({ ...stable, ...protocol }, stable);
  const methods = readMethods(types, tableOf(stable), new Notes());

  test("finds params and result, and marks what the stable export lacks", () => {
    expect(JSON.parse(renderMethodIndex(methods))).toMatchObject({
      clientRequests: {
        "memory/reset": { params: null, result: "MemoryResetResponse", experimental: false },
        "thread/start": { params: "ThreadStartParams", result: "ThreadStartResponse" },
        "usage/read": { params: "UsageParams", paramsOptional: true, result: "UsageResponse" },
      },
      clientNotifications: { initialized: { params: null } },
      serverRequests: { "time/read": { result: "TimeReadResponse", experimental: true } },
      serverNotifications: { "thread/started": { params: "ThreadStartedNotification" } },
    });
  });

  test("writes them as interfaces, absent params as undefined", () => {
    const text = renderMethods(methods);
    expect(text).toContain('"memory/reset": { params: undefined; result: MemoryResetResponse };');
    expect(text).toContain('"usage/read": { params: UsageParams | null | undefined; ');
    expect(text).toContain('/** @experimental */\n"time/read": { params: TimeReadParams; ');
    expect(text).toContain('"thread/started": { params: ThreadStartedNotification };');
  });

  test("counts methods and types, and lists what was not known", () => {
    const note = { where: "usage/read", what: "its result is unknown", why: "it has none" };
    const manifest = JSON.parse(renderManifest("1.2.3", types, methods, [note])) as object;
    expect(manifest).toMatchObject({
      runtime: { version: "1.2.3" },
      counts: {
        clientRequests: { total: 3, stable: 3, experimental: 0 },
        serverRequests: { total: 1, stable: 0, experimental: 1 },
        types: { total: types.size, experimental: 2 },
      },
      notes: [note],
    });
  });

  test("fails when a method is listed twice, or a whole union is missing", () => {
    const twice = tableOf({
      ...protocol,
      ClientNotification: '{ "method": "initialized" } | { "method": "initialized", a: string }',
    });
    expect(() => methodsOf(twice)).toThrow("lists the method initialized twice");
    const none = tableOf(without(protocol, "ServerRequest"));
    expect(() => methodsOf(none)).toThrow("The export has no type ServerRequest");
  });
});

describe("deriving the routes", () => {
  const route = (method: string, source: string, more: Record<string, string> = {}): object => {
    const types = tableOf({ ...more, Params: source });
    return routeOf({ method, params: { kind: "ref", name: "Params" } }, types, new Notes());
  };

  test("finds ids by their field names, nested and nullable ones too", () => {
    expect(route("a/b", "{ threadId: string, turn: Turn }", { Turn: "{ id: string }" })).toEqual({
      thread: "threadId",
      turn: "turn.id",
    });
    expect(route("a/b", "{ threadId: string | null, itemId: string, }")).toEqual({
      thread: "threadId",
      item: "itemId",
    });
    expect(route("a/b", "{ watchId: string, }")).toEqual({ handle: "watchId" });
  });

  test("takes an item's id only when each kind of item has one", () => {
    const item = '{ "type": "a", id: string } | { "type": "b", id: string }';
    const params = "{ threadId: string, turnId: string, item: Item, }";
    expect(route("a/b", params, { Item: item })).toHaveProperty("item", "item.id");
    expect(route("a/b", params, { Item: `${item} | { "type": "c" }` })).not.toHaveProperty("item");
  });

  test("sees no handle in what a turn's own process is called", () => {
    expect(route("a/b", "{ threadId: string, turnId: string, processId: string, }")).toEqual({
      thread: "threadId",
      turn: "turnId",
    });
  });

  test("adds what only the override table knows", () => {
    const params = "{ threadId: string, turnId: string, targetItemId: string | null, }";
    expect(route("item/autoApprovalReview/started", params)).toEqual({
      thread: "threadId",
      turn: "turnId",
      item: "targetItemId",
    });
  });
});
