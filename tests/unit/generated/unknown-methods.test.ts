import { describe, expect, test } from "@jest/globals";
import { Notes } from "../../../scripts/generate/notes.js";
import { nameParams } from "../../../scripts/generate/params.js";
import { notPaths, readPaths } from "../../../scripts/generate/paths.js";
import { renderMethodIndex } from "../../../scripts/generate/render-json.js";
import { renderMethods, renderRouting } from "../../../scripts/generate/render-methods.js";
import {
  processWide,
  readRouting,
  routeOf,
  routeOverrides,
} from "../../../scripts/generate/routing.js";
import { resultOverrides } from "../../../scripts/generate/result-types.js";
import { linesOf, methodsOf, protocol, tableOf, without } from "./type-tables.js";

/** What is noted of the tables of this generator itself; a protocol this small has none of their methods. */
const aboutTables = /is not used, since the export has no such method$/;

function read(sources: Record<string, string>) {
  const notes = new Notes();
  const types = tableOf(sources, undefined, notes);
  const methods = methodsOf(types, notes);
  const index = JSON.parse(renderMethodIndex(nameParams(methods, types, notes).methods)) as Record<
    string,
    Record<string, object>
  >;
  return { types, methods, index, lines: linesOf(notes).filter((line) => !aboutTables.test(line)) };
}

/** The small protocol with one more request of the client. */
const withRequest = (arm: string, more: Record<string, string> = {}) => ({
  ...protocol,
  ...more,
  ClientRequest: `${protocol.ClientRequest} | ${arm}`,
});

describe("a request without a result type", () => {
  const { methods, index, lines } = read(
    withRequest('{ "method": "provider/default/set", id: RequestId, params: ProviderSetParams, }', {
      ProviderSetParams: "{ providerId: string }",
    }),
  );

  test("has an unknown result, and a note that names what is missing", () => {
    expect(lines).toEqual([
      "provider/default/set: its result is unknown, since the export has no ProviderSetResponse or ProviderDefaultSetResponse",
    ]);
    expect(index["clientRequests"]?.["provider/default/set"]).toEqual({
      params: "ProviderSetParams",
      result: null,
      experimental: false,
    });
  });

  test("says so in the docstring", () => {
    expect(renderMethods(methods)).toContain(
      "/** The export of the server names no type for its result: what it answers is passed on as it is. */\n" +
        '"provider/default/set": { params: ProviderSetParams; result: unknown };',
    );
  });
});

describe("a result type", () => {
  test("that no method returns stays, with a note", () => {
    const { types, lines } = read({ ...protocol, ThreadStopResponse: "{ ok: boolean, }" });
    expect(types.has("ThreadStopResponse")).toBe(true);
    expect(lines).toEqual([
      "ThreadStopResponse: stands for itself, since no method is known to return it",
    ]);
  });

  test("is that of the method's name, when its params have none of theirs", () => {
    const { index } = read(
      withRequest('{ "method": "a/b", id: RequestId, params: OddParams, }', {
        OddParams: "{ a: string }",
        ABResponse: "{ b: string }",
      }),
    );
    expect(index["clientRequests"]?.["a/b"]).toHaveProperty("result", "ABResponse");
  });

  test("is never the type of the params, nor that of a field of them", () => {
    const { index } = read(
      withRequest(
        '{ "method": "a/b", id: RequestId, params: Settings, }' +
          ' | { "method": "a/c", id: RequestId, params: { start: ThreadStartParams }, }',
        { Settings: "{ a: string }" },
      ),
    );
    expect(index["clientRequests"]).toMatchObject({
      "a/b": { result: null },
      "a/c": { result: null },
    });
  });

  test("that two methods share since they share their params is a guess, and noted", () => {
    const { index, lines } = read(
      withRequest('{ "method": "thread/start/stream", id: RequestId, params: ThreadStartParams, }'),
    );
    expect(index["clientRequests"]?.["thread/start/stream"]).toHaveProperty(
      "result",
      "ThreadStartResponse",
    );
    expect(lines).toEqual([
      "thread/start/stream: returns ThreadStartResponse, since its params are those of thread/start",
    ]);
  });
});

describe("a result override", () => {
  const request = '{ "method": "account/logout", id: RequestId, params: undefined, }';

  test("gives way to the type that the rule finds now", () => {
    const { index, lines } = read(
      withRequest(request, {
        AccountLogoutResponse: "Record<string, never>",
        LogoutAccountResponse: "Record<string, never>",
      }),
    );
    expect(index["clientRequests"]?.["account/logout"]).toHaveProperty(
      "result",
      "AccountLogoutResponse",
    );
    expect(lines).toContain(
      "account/logout: returns AccountLogoutResponse, since it is there now; the override LogoutAccountResponse is not used",
    );
  });

  test("whose type is gone leaves the result unknown", () => {
    const { index, lines } = read(withRequest(request));
    expect(index["clientRequests"]?.["account/logout"]).toHaveProperty("result", null);
    expect(lines).toEqual([
      "account/logout: its result is unknown, since the export has no LogoutAccountResponse or AccountLogoutResponse",
    ]);
  });

  test("whose method is gone is noted", () => {
    const notes = new Notes();
    methodsOf(tableOf(protocol), notes);
    expect(linesOf(notes).sort()).toEqual(
      Object.keys(resultOverrides)
        .map(
          (method) =>
            `${method}: its result override is not used, since the export has no such method`,
        )
        .sort(),
    );
  });
});

describe("params", () => {
  test("without a name of their own get one", () => {
    const { index, lines } = read({
      ...withRequest(
        '{ "method": "a/b", id: RequestId, params: { cwd: string }, }' +
          ' | { "method": "a/c", id: RequestId, params?: [string] | null, }' +
          ' | { "method": "a/d", id: RequestId, params: ThreadStartParams | UsageParams, }' +
          ' | { "method": "2fa/é", id: RequestId, params: { a: 1 }, }',
        { ABParams: "string" },
      ),
    });
    expect(index["clientRequests"]).toMatchObject({
      "2fa/é": { params: "Protocol2faParams" },
      "a/b": { params: "ABParams_" },
      "a/c": { params: "ACParams", paramsOptional: true },
      "a/d": { params: "ADParams" },
    });
    expect(lines).toContain(
      "a/b: its params are named ABParams_, since the export has no single type for them",
    );
  });

  test("that are missing are none, of a notification too", () => {
    const { index, lines } = read({
      ...withRequest('{ "method": "a/b", id: RequestId, }', { ABResponse: "string" }),
      ServerNotification: `${protocol.ServerNotification} | { "method": "tick" }`,
    });
    expect(index["clientRequests"]?.["a/b"]).toMatchObject({ params: null, result: "ABResponse" });
    expect(index["serverNotifications"]?.["tick"]).toEqual({ params: null, experimental: false });
    expect(lines).toEqual([]);
  });
});

describe("the unions of the methods", () => {
  test("may be empty, or of a shape that nobody can read", () => {
    const { index, lines } = read({
      ...without(protocol, "TimeReadParams", "TimeReadResponse"),
      ServerRequest: "never",
      ClientNotification: "[string]",
    });
    expect(index).toMatchObject({ serverRequests: {}, clientNotifications: {} });
    expect(lines).toEqual([
      "ClientNotification: a TupleType in it is unknown, since the generator cannot read [string]",
      "ClientNotification: a member that is keyword is left out, since the generator finds no method name in it",
    ]);
  });

  test("may have members without a method, which are left out, and all others are there", () => {
    const { index, lines } = read(
      withRequest('{ "verb": "x", id: RequestId } | { "method": 7, at: RequestId } | string'),
    );
    expect(Object.keys(index["clientRequests"] ?? {})).toEqual([
      "memory/reset",
      "thread/start",
      "usage/read",
    ]);
    expect(lines.filter((line) => line.includes("is left out"))).toHaveLength(3);
  });

  test("may refer to their members, nest unions, and list two methods in one", () => {
    const { index, lines } = read(
      withRequest("More", {
        More: 'One | { "method": "b" | "c", id: RequestId, params: undefined, }',
        One: '{ "method": "a", id: RequestId, params: undefined, extra: string }',
        AResponse: "string",
        BResponse: "string",
        CResponse: "string",
      }),
    );
    expect(Object.keys(index["clientRequests"] ?? {})).toEqual([
      "a",
      "b",
      "c",
      "memory/reset",
      "thread/start",
      "usage/read",
    ]);
    expect(lines).toEqual(["a: extra is not read, since only params are"]);
  });
});

describe("routing", () => {
  const route = (method: string, source: string) => {
    const notes = new Notes();
    const types = tableOf({ Params: source });
    const found = routeOf({ method, params: { kind: "ref", name: "Params" } }, types, notes);
    return { route: found, lines: linesOf(notes) };
  };

  test.each(["{ sky: string, }", "[string]", "string", "{ threadId: number }"])(
    "a notification without a known id goes to everybody: %s",
    (source) => {
      expect(route("weather/changed", source)).toEqual({
        route: {},
        lines: [
          "weather/changed: goes to everybody who listens to all notifications, since its params hold no known id, and it is not listed as process-wide",
        ],
      });
    },
  );

  test("is by the id that a process-wide notification has now", () => {
    expect(route("account/updated", "{ plan: string, }")).toEqual({ route: {}, lines: [] });
    expect(route("account/updated", "{ threadId: string, }")).toEqual({
      route: { thread: "threadId" },
      lines: [
        "account/updated: is routed by threadId, since its params hold an id, though it is listed as process-wide",
      ],
    });
  });

  test("leaves out what an override names and the params do not hold", () => {
    const { route: found, lines } = route(
      "item/autoApprovalReview/started",
      "{ threadId: string }",
    );
    expect(found).toEqual({ thread: "threadId" });
    expect(lines).toEqual([
      "item/autoApprovalReview/started: its route override targetItemId is not used, since its params hold no such id",
    ]);
  });

  test("notes what the lists name and the protocol does not have", () => {
    const notes = new Notes();
    readRouting([], new Map(), notes);
    expect(linesOf(notes)).toContain(
      "configWarning: its entry in the routing lists is not used, since the export has no such method",
    );
    expect(linesOf(notes)).toHaveLength(processWide.length + Object.keys(routeOverrides).length);
  });

  test("lists what only a message itself can tell, and no name sets a prototype", () => {
    const text = renderRouting(
      new Map([
        ["__proto__", {}],
        ["account/updated", {}],
        ["thread/started", { thread: "thread.id" }],
      ]),
    );
    expect(text).toContain('["__proto__"]: {},');
    expect(text).toContain(
      'unroutedNotifications: readonly ServerNotificationMethod[] = ["__proto__"];',
    );
  });
});

test("what is listed as no path, and is in no request any more, is noted", () => {
  const notes = new Notes();
  readPaths([], new Map(), notes);
  expect(linesOf(notes)).toHaveLength(Object.keys(notPaths).length);
  expect(linesOf(notes)[0]).toBe(
    "edits.*.keyPath: its entry among what is no path is not used, since no request has such a field",
  );
});
