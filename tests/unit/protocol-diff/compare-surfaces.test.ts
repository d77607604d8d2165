import { describe, expect, test } from "@jest/globals";
import { compareSurfaces } from "../../../scripts/protocol-diff/compare-surfaces.js";
import { compare, surface, withArm, type Edits } from "./surfaces.js";

const ids = (before: Edits, after: Edits): string[] =>
  compare(before, after).changes.map(({ id, breaking }) => `${breaking ? "! " : ""}${id}`);

/** Changes one type that the server sends, `Thread`. */
const received = (before: string, after: string): string[] =>
  ids({ Thread: before }, { Thread: after });

/** Changes one type that the client sends, `ThreadStartParams`. */
const sent = (before: string, after: string): string[] =>
  ids({ ThreadStartParams: before }, { ThreadStartParams: after });

test("a release beside itself has no change", () => {
  expect(compare({}, {})).toEqual({ before: "1.0.0", after: "1.1.0", changes: [], notes: [] });
});

describe("methods", () => {
  const params = { StopParams: "{ id: string, }", StopResponse: "{ stopped: boolean, }" };

  test("a request that came brings its types with it", () => {
    const ClientRequest = withArm("ClientRequest", "thread/stop", "StopParams");
    const { changes } = compare({}, { ClientRequest, ...params });
    expect(changes).toEqual([
      {
        kind: "method",
        id: "clientRequests thread/stop added",
        what: "added",
        breaking: false,
        types: ["StopParams", "StopResponse"],
        messageKind: "clientRequests",
        method: "thread/stop",
        experimental: false,
        params: "StopParams",
        result: "StopResponse",
        aspects: [],
      },
    ]);
    expect(ids({ ClientRequest, ...params }, {})).toEqual(["! clientRequests thread/stop removed"]);
  });

  test("notifications and requests of the server come and go, too", () => {
    const ServerNotification = withArm("ServerNotification", "thread/gone", "GoneNotification");
    const GoneNotification = "{ threadId: string, }";
    expect(ids({}, { ServerNotification, GoneNotification })).toEqual([
      "serverNotifications thread/gone added",
    ]);
    expect(ids({ ServerNotification, GoneNotification }, {})).toEqual([
      "! serverNotifications thread/gone removed",
    ]);
    const ServerRequest = withArm("ServerRequest", "stop/ask", "StopParams");
    expect(ids({}, { ServerRequest, ...params })).toEqual(["serverRequests stop/ask added"]);
    expect(ids({ ServerRequest, ...params }, {})).toEqual(["! serverRequests stop/ask removed"]);
  });

  test("one that went and one that came with the same shape are perhaps one", () => {
    const old = withArm("ClientRequest", "thread/stop", "StopParams");
    const fresh = withArm("ClientRequest", "thread/halt", "HaltParams");
    const { changes } = compare(
      { ClientRequest: old, ...params },
      { ClientRequest: fresh, HaltParams: params.StopParams, HaltResponse: params.StopResponse },
    );
    expect(changes.map(({ id, perhapsRenamed }) => [id, perhapsRenamed])).toEqual([
      ["clientRequests thread/halt added", "thread/stop"],
      ["clientRequests thread/stop removed", "thread/halt"],
    ]);
  });

  test("other params with the same shape are another name for the same", () => {
    const ClientRequest = withArm("ClientRequest", "thread/stop", "StopParams");
    const renamed = withArm("ClientRequest", "thread/stop", "HaltParams");
    const before = { ClientRequest, ...params };
    const { changes } = compare(before, {
      ClientRequest: renamed,
      HaltParams: params.StopParams,
      HaltResponse: params.StopResponse,
    });
    expect(changes).toEqual([
      expect.objectContaining({
        id: "clientRequests thread/stop changed",
        breaking: false,
        types: ["HaltParams", "HaltResponse", "StopParams", "StopResponse"],
        aspects: [
          expect.objectContaining({ aspect: "params", before: "StopParams", sameShape: true }),
          expect.objectContaining({ aspect: "result", after: "HaltResponse", sameShape: true }),
        ],
      }),
    ]);
  });

  test("other params that need more break, and the difference is told", () => {
    const { changes } = compare(
      { ClientRequest: withArm("ClientRequest", "thread/stop", "StopParams"), ...params },
      {
        ClientRequest: withArm("ClientRequest", "thread/stop", "HaltParams"),
        HaltParams: "{ id: string, reason: string, }",
        HaltResponse: params.StopResponse,
      },
    );
    expect(changes).toEqual([
      expect.objectContaining({
        breaking: true,
        aspects: [
          expect.objectContaining({ after: "HaltParams", differences: ["reason added"] }),
          expect.objectContaining({ after: "HaltResponse", sameShape: true }),
        ],
      }),
    ]);
  });

  test("what was experimental becomes stable, and the other way round", () => {
    const ClientRequest = withArm("ClientRequest", "thread/stop", "StopParams");
    const all = { ClientRequest, ...params };
    const [stable, hidden] = [surface("1.1.0", all), surface("1.0.0", all, {})];
    expect(compareSurfaces(hidden, stable).changes).toEqual([
      expect.objectContaining({ breaking: false, aspects: [{ aspect: "stable" }] }),
    ]);
    expect(compareSurfaces(stable, hidden).changes).toEqual([
      expect.objectContaining({ breaking: true, aspects: [{ aspect: "experimental" }] }),
    ]);
  });
});

describe("fields", () => {
  test("that the server adds break nothing, and those that it leaves out do", () => {
    expect(received("{ id: string, }", "{ id: string, at: number, }")).toEqual([
      "field Thread.at added",
    ]);
    expect(received("{ id: string, at: number, }", "{ id: string, }")).toEqual([
      "! field Thread.at removed",
    ]);
  });

  test("that we must send from now on break, and those that we may send do not", () => {
    expect(sent("{ cwd: string, }", "{ cwd: string, at: number, }")).toEqual([
      "! field ThreadStartParams.at added",
    ]);
    expect(sent("{ cwd: string, }", "{ cwd: string, at?: number, }")).toEqual([
      "field ThreadStartParams.at added",
    ]);
  });

  test.each([
    ["optional", "{ at: number, }", "{ at?: number, }", true, false],
    ["required", "{ at?: number, }", "{ at: number, }", false, true],
  ] as const)("become %s", (aspect, before, after, breaksReceived, breaksSent) => {
    for (const [type, breaking] of [
      ["Thread", breaksReceived],
      ["ThreadStartParams", breaksSent],
    ] as const) {
      expect(compare({ [type]: before }, { [type]: after }).changes).toEqual([
        expect.objectContaining({
          id: `field ${type}.at changed`,
          breaking,
          aspects: [{ aspect }],
        }),
      ]);
    }
  });

  test("become null, and are no longer null", () => {
    expect(
      compare({ Thread: "{ at: number, }" }, { Thread: "{ at: number | null, }" }),
    ).toMatchObject({ changes: [{ breaking: true, aspects: [{ aspect: "nullable" }] }] });
    expect(
      compare({ Thread: "{ at: number | null, }" }, { Thread: "{ at: number, }" }),
    ).toMatchObject({ changes: [{ breaking: false, aspects: [{ aspect: "never null" }] }] });
  });

  test("get another type", () => {
    const { changes } = compare({ Thread: "{ at: number, }" }, { Thread: "{ at: string, }" });
    expect(changes).toMatchObject([
      { breaking: true, aspects: [{ aspect: "type", before: "number", after: "string" }] },
    ]);
    const swapped = compare(
      { Thread: "{ at: One, }", One: "{ a: string, }" },
      { Thread: "{ at: Two, }", Two: "{ a: string, b: string, }" },
    );
    expect(swapped.changes).toMatchObject([
      { breaking: false, types: ["One", "Two"], aspects: [{ differences: ["b added"] }] },
    ]);
  });

  test("become deprecated", () => {
    const { changes } = compare(
      { Thread: "{ at: number, }" },
      { Thread: "{\n/** @deprecated for good */\nat: number, }" },
    );
    expect(changes).toMatchObject([{ breaking: false, aspects: [{ aspect: "deprecated" }] }]);
  });

  test("are found inside lists, maps and objects without a name", () => {
    expect(
      received(
        "{ a: Array<{ x: string, }>, b: { [key in string]?: { y: string } }, c: { d: { z: string, }, }, }",
        "{ a: Array<{ }>, b: { [key in string]?: { } }, c: { d: { }, }, }",
      ),
    ).toEqual([
      "! field Thread.a[].x removed",
      "! field Thread.b[].y removed",
      "! field Thread.c.d.z removed",
    ]);
  });

  test("of all variants are one change, and those of some name them", () => {
    const arms = (a: string, b: string, c: string): string =>
      `{ type: "a", ${a} } | { type: "b", ${b} } | { type: "c", ${c} }`;
    expect(received(arms("", "", ""), arms("x: string,", "x: string,", "x: string,"))).toEqual([
      "field Thread.x added",
    ]);
    expect(received(arms("", "", ""), arms("x: string,", "x: string,", ""))).toEqual([
      "field Thread(a, b).x added",
    ]);
  });

  test("of which one went and one came with the same type are perhaps one", () => {
    const { changes } = compare({ Thread: "{ one: boolean, }" }, { Thread: "{ two: boolean, }" });
    expect(changes.map(({ id, perhapsRenamed }) => [id, perhapsRenamed])).toEqual([
      ["field Thread.one removed", "two"],
      ["field Thread.two added", "one"],
    ]);
  });

  test("in another order are the same", () => {
    expect(received("{ a: string, b: 1 | 2, }", "{ b: 2 | 1, a: string, }")).toEqual([]);
  });
});

describe("values", () => {
  test("that came break nothing; those that went do", () => {
    expect(received('"a" | "b"', '"a" | "b" | "c"')).toEqual(['value Thread "c" added']);
    expect(received('"a" | "b" | "c"', '"a" | "b"')).toEqual(['! value Thread "c" removed']);
    expect(sent('{ cwd: "a" | "b", }', '{ cwd: "b" | "c", }')).toEqual([
      '! value ThreadStartParams.cwd "a" removed',
      'value ThreadStartParams.cwd "c" added',
    ]);
  });

  test("are variants where an object says what it is, or has one field only", () => {
    expect(received('{ type: "a", }', '{ type: "a", } | { type: "b", x: string, }')).toEqual([
      "value Thread b added",
    ]);
    expect(received('"a" | { b: { x: string, }, }', '"a" | { b: { }, } | { c: string, }')).toEqual([
      "! field Thread(b).b.x removed",
      "value Thread c added",
    ]);
  });

  test("that come in a second form break what reads them, and the form that stays is the same", () => {
    const [first, second] = [
      '{ type: "a", x: string, y: string, }',
      '{ type: "a", y: string, z: string, }',
    ];
    expect(received(first, `${second} | ${first}`)).toEqual(["! value Thread a added"]);
    expect(received(`${second} | ${first}`, first)).toEqual(["value Thread a removed"]);
    expect(sent(`{ cwd: ${first}, }`, `{ cwd: ${second} | ${first}, }`)).toEqual([
      "value ThreadStartParams.cwd a added",
    ]);
    expect(sent(`{ cwd: ${second} | ${first}, }`, `{ cwd: ${first}, }`)).toEqual([
      "! value ThreadStartParams.cwd a removed",
    ]);
  });

  test("that come in several forms at once are told apart", () => {
    expect(received("string", 'string | { a: "x", b: 1, } | { a: "x", c: 2, }')).toEqual([
      "value Thread x added",
      "value Thread x added (2)",
    ]);
  });

  test("are other types beside the former ones", () => {
    expect(received("{ a: string, }", "{ a: string | number, }")).toEqual([
      "! value Thread.a number added",
    ]);
    expect(sent("{ cwd: string, }", "{ cwd: string | number, }")).toEqual([
      "value ThreadStartParams.cwd number added",
    ]);
  });
});

describe("types", () => {
  test("with nothing in common are one change", () => {
    expect(received("{ a: string, }", "string")).toEqual(["! type Thread changed"]);
  });

  test("that two changes lead to have a change of their own, and what they hold lies in it", () => {
    const before = { Thread: "{ id: string, }", UsageResponse: "{ total: number, }" };
    const { changes } = compare(before, {
      Thread: "{ id: string, at: Place, }",
      UsageResponse: "{ total: number, at: Place, }",
      Place: "{ x: Point, }",
      Point: "{ p: Place | null, }",
    });
    expect(changes.map(({ id, types }) => [id, types])).toEqual([
      ["type Place added", ["Point"]],
      ["field Thread.at added", []],
      ["field UsageResponse.at added", []],
    ]);
  });

  test("say in which messages they travel, the nearest first, and which way", () => {
    const { changes } = compare({ Thread: "{ id: string, }" }, { Thread: "{ id: string, a: 1, }" });
    expect(changes).toMatchObject([
      {
        direction: "we receive",
        uses: [
          { kind: "clientRequests", method: "thread/start", in: "result" },
          { kind: "serverNotifications", method: "thread/started", in: "params" },
        ],
      },
    ]);
    // What answers a request of the server is sent by us.
    const asked = compare({}, { TimeReadResponse: "{ at: number, zone: string, }" });
    expect(asked.changes).toMatchObject([{ direction: "we send", breaking: true }]);
    const unused = compare({ Alone: "{ a: 1, }" }, { Alone: "{ a: 1, b: 2, }" });
    expect(unused.changes).toMatchObject([{ direction: "unused", breaking: false }]);
  });

  test("that may have been renamed say so", () => {
    const { changes } = compare(
      { Old: "{ a: string, b: number, }" },
      { Fresh: "{ b: number, a: string, }" },
    );
    expect(changes.map(({ id, perhapsRenamed }) => [id, perhapsRenamed])).toEqual([
      ["type Fresh added", "Old"],
      ["type Old removed", "Fresh"],
    ]);
  });

  test("that hold themselves are compared to the end", () => {
    const before = { Thread: "{ next: One, }", One: "{ next: One | null, }" };
    const after = { Thread: "{ next: Two, }", Two: "{ next: Two | null, a: string, }" };
    expect(compare(before, after).changes).toMatchObject([
      {
        id: "field Thread.next changed",
        aspects: [{ differences: expect.arrayContaining(["a added"]) }],
      },
    ]);
  });

  test("that only list methods are no types", () => {
    const Envelope = '{ method: "a", params: string, } | { method: "b", params: string, }';
    expect(ids({}, { Envelope })).toEqual([]);
  });
});

test("what cannot be read is a note of its release", () => {
  const { notes } = compare({}, { Thread: "{ id: keyof string, }" });
  expect(notes).toEqual([expect.stringMatching(/^1\.1\.0: .*Thread/)]);
});
