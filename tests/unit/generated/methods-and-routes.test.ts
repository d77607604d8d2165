import { describe, expect, test } from "@jest/globals";
import { readMethods } from "../../../scripts/generate/read-methods.js";
import { renderManifest, renderMethodIndex } from "../../../scripts/generate/render-json.js";
import { renderMethods } from "../../../scripts/generate/render-methods.js";
import { processWide, readRouting, routeOf } from "../../../scripts/generate/routing.js";
import { protocol, tableOf, without } from "./type-tables.js";

describe("reading the methods", () => {
  const stable: Record<string, string> = {
    ...without(protocol, "TimeReadParams", "TimeReadResponse"),
    ServerRequest: '{ "method": "other/read", id: RequestId, params: ThreadStartParams, }',
  };
  const types = tableOf({ ...stable, ...protocol }, stable);
  const methods = readMethods(types, tableOf(stable));

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

  test("counts methods and types", () => {
    const manifest = JSON.parse(renderManifest("1.2.3", types, methods)) as object;
    expect(manifest).toMatchObject({
      runtime: { version: "1.2.3" },
      counts: {
        clientRequests: { total: 3, stable: 3, experimental: 0 },
        serverRequests: { total: 1, stable: 0, experimental: 1 },
        types: { total: types.size, experimental: 2 },
      },
    });
  });

  test("fails, naming the method, when a method has no result type", () => {
    const broken = tableOf(without(protocol, "ThreadStartResponse"));
    expect(() => readMethods(broken, broken)).toThrow(
      "The method thread/start has no result type: there is no ThreadStartResponse",
    );
  });

  test("fails when a result type belongs to no method", () => {
    const broken = tableOf({ ...protocol, ThreadStopResponse: "{ ok: boolean, }" });
    expect(() => readMethods(broken, broken)).toThrow("No method returns ThreadStopResponse");
  });

  test("fails when a method is listed twice, or a member has no method", () => {
    const twice = tableOf({
      ...protocol,
      ClientNotification: '{ "method": "initialized" } | { "method": "initialized", a: string }',
    });
    expect(() => readMethods(twice, twice)).toThrow("lists the method initialized twice");
    const nameless = tableOf({ ...protocol, ClientNotification: "{ params: string }" });
    expect(() => readMethods(nameless, nameless)).toThrow(
      "A member of ClientNotification has no method name",
    );
  });

  test("fails when an override hides a result type that the rule would find", () => {
    const broken = tableOf({
      ...protocol,
      ClientRequest: '{ "method": "account/logout", id: RequestId, params: undefined, }',
      AccountLogoutResponse: "Record<string, never>",
      LogoutAccountResponse: "Record<string, never>",
    });
    expect(() => readMethods(broken, broken)).toThrow("account/logout: the result override");
  });
});

describe("deriving the routes", () => {
  const route = (method: string, source: string, more: Record<string, string> = {}): object => {
    const types = tableOf({ ...more, Params: source });
    return routeOf({ method, params: { kind: "ref", name: "Params" } }, types);
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

  test("fails, naming the method, when a notification has no routing entry", () => {
    expect(() => route("weather/changed", "{ sky: string, }")).toThrow(
      "The notification weather/changed has no routing entry",
    );
  });

  test("fails when a process-wide notification turns out to have an id", () => {
    expect(route("account/updated", "{ plan: string, }")).toEqual({});
    expect(() => route("account/updated", "{ threadId: string, }")).toThrow(
      "account/updated is listed as process-wide",
    );
  });

  test("fails when a list names a notification that does not exist any more", () => {
    expect(processWide).toContain("configWarning");
    expect(() => readRouting([], new Map())).toThrow("The routing lists name ");
  });
});
