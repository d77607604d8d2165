import { describe, expect, test } from "@jest/globals";
import * as prettier from "prettier";
import type { Affected } from "../../../scripts/protocol-diff/find-affected.js";
import { renderChanges } from "../../../scripts/protocol-diff/render-changes.js";
import { compare, withArm, type Edits } from "./surfaces.js";

const nothing: Affected = { api: [], code: [], tests: [], examples: [], scripts: [], docs: [] };

/** The text below the first line, which counts. */
function render(
  before: Edits,
  after: Edits,
  affected: Record<string, Partial<Affected>> = {},
): string {
  const places = Object.entries(affected).map(
    ([id, some]) => [id, { ...nothing, ...some }] as const,
  );
  return renderChanges(compare(before, after), new Map(places));
}

test("nothing is said of two releases with the same protocol", () => {
  expect(render({}, {})).toBe("The protocol did not change.");
});

test("the text has the breaking changes first, then each kind, and says what of ours is affected", async () => {
  const before = {
    Thread: "{ id: string, name: string | null, status: Status, position: number, }",
    Status: '"idle" | "busy"',
    UsageResponse: "{ total: number, }",
    StopParams: "{ id: string, }",
    StopResponse: "{ stopped: boolean, }",
    ServerRequest: withArm("ServerRequest", "stop/ask", "StopParams"),
  };
  const after = {
    Thread: "{ id: string, name: string | null, status: Status, at?: number, on?: boolean, }",
    Status: '"idle" | "busy" | "gone" | "lost"',
    UsageResponse: "{ total: Total, }",
    Total: "{ tokens: number, }",
    ClientRequest: withArm("ClientRequest", "thread/find", "FindParams"),
    FindParams: "{ text: string, order: Order, }",
    Order: '"up" | "down"',
    FindResponse: "{ ids: Array<string>, }",
    ServerNotification: withArm("ServerNotification", "thread/gone", "GoneNotification"),
    GoneNotification: "{ threadId: string, }",
  };
  const text = render(before, after, {
    "serverRequests stop/ask removed": {
      api: ["RequestHandlers.onStop"],
      code: ["lib/a.ts:1", "lib/b.ts:2", "lib/c.ts:3", "lib/d.ts:4", "lib/e.ts:5"],
      tests: ["tests/a.test.ts:7"],
      docs: ["docs/a.md:3"],
    },
    "clientRequests thread/find added": { api: ["client.rpc.thread.find()"] },
    "serverNotifications thread/gone added": {},
  });
  expect(text).toBe(`The protocol from codex 1.0.0 to 1.1.0: 9 changes, 3 breaking.

#### Breaking

- Server request \`stop/ask\` is gone: it took \`StopParams\`, gave \`StopResponse\`. Affects
  \`RequestHandlers.onStop\`; lib/a.ts:1, lib/b.ts:2, lib/c.ts:3 and 2 more; tests/a.test.ts:7; docs/a.md:3.
- Field of \`Thread\` gone: \`position: number\`; we receive it in \`thread/start\` and \`thread/started\`.
- Field \`UsageResponse.total\` is \`Total\` in place of \`number\`; we receive it in \`usage/read\`. Brings \`Total\`.

#### Requests

- New request \`thread/find\`: takes \`FindParams\`, gives \`FindResponse\`. Brings \`Order\`. Affects
  \`client.rpc.thread.find()\`.

#### Notifications

- New notification \`thread/gone\`: carries \`GoneNotification\`. Affects nothing of ours.

#### Types and fields

- New fields of \`Thread\`: \`at?: number\` and \`on?: boolean\`; we receive them in \`thread/start\` and
  \`thread/started\`.

#### Values

- New values of \`Status\`: \`"gone"\` and \`"lost"\`; we receive them in \`thread/start\` and \`thread/started\`.`);
  expect(await prettier.format(text, { parser: "markdown", printWidth: 100 })).toBe(`${text}\n`);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(110);
});

describe("one change", () => {
  const bullet = (before: Edits, after: Edits): string =>
    (/^- [^]*?(?=\n- |\n\n|$(?![^]))/m.exec(render(before, after))?.[0] ?? "").replace(
      /\n +/g,
      " ",
    );
  const thread = (before: string, after: string): string =>
    bullet({ Thread: before }, { Thread: after });
  const travels = "we receive it in `thread/start` and `thread/started`";

  test.each([
    ["{ a: 1, }", "{ a?: 1, }", "Field `Thread.a` may be missing now"],
    ["{ a?: 1, }", "{ a: 1, }", "Field `Thread.a` is required now"],
    ["{ a: 1, }", "{ a: 1 | null, }", "Field `Thread.a` may be null now"],
    ["{ a: 1 | null, }", "{ a: 1, }", "Field `Thread.a` is never null any more"],
    ["{ a: 1, }", "{\n/** @deprecated */\na: 1, }", "Field `Thread.a` is deprecated now"],
    ["{ a: string, }", "{ a: number, }", "Field `Thread.a` is `number` in place of `string`"],
    ["{ a: 1 | 2, }", "{ a: 1, }", "Value of `Thread.a` gone: `2`"],
    ["{ a: string, }", "{ a: string | 1, }", "New value of `Thread.a`: `1`"],
    ["{ a: string, }", "{ a: string | number, }", "New alternative of `Thread.a`: `number`"],
    ["{ a: 1, }", "string", "Type `Thread` is `string` in place of `{ a: 1 }`"],
    [
      '{ type: "a", }',
      '{ type: "a", } | { type: "b", x: string, }',
      'New variant of `Thread`: `type: "b"`, `{ type: "b"; x: string }`',
    ],
  ])("from %s to %s", (before, after, sentence) => {
    expect(thread(before, after)).toBe(`- ${sentence}; ${travels}.`);
  });

  test("of what may only have another name says so", () => {
    expect(thread("{ one: boolean, }", "{ two: boolean, }")).toBe(
      `- Field of \`Thread\` gone: \`one: boolean\`; ${travels}. Perhaps renamed: it is \`two\` now.`,
    );
  });

  test("of a type that no method uses says so", () => {
    expect(bullet({}, { Alone: "{ a: string, b: string, }" })).toBe(
      "- New type `Alone`: `{ a: string; b: string }`; no method uses it.",
    );
  });

  test("of a long type shows where the two are different", () => {
    const long = Array.from({ length: 20 }, (_, index) => `"value${index}"`).join(" | ");
    const [before, after] = [`{ a: Array<${long}>, }`, `{ a: Array<${long} | number>, }`];
    expect(thread(`Array<${before}>`, `{ [key in string]?: ${after} }`)).toMatch(
      /^- Type `Thread` is `.{1,92}` in place of `.{1,92}`; /,
    );
  });
});

test("what could not be read in the newer release stands at the end", () => {
  expect(render({}, { Thread: "{ id: keyof string, name: string | null, }" })).toMatch(
    /\n\n#### Not known for certain\n\n- Thread\.id: .*keyof string\.$/,
  );
});
