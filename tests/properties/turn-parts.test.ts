import { test } from "@jest/globals";
import assert, { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import type { TurnPart } from "../../lib/parts/turn-part.js";
import { TurnParts, type PartSource } from "../../lib/parts/turn-parts.js";
import { TurnView } from "../../lib/parts/turn-view.js";
import { deepFreeze } from "../support/deep-freeze.js";

const id = fc.constantFrom("a", "b", "__proto__");
/** Plans are told as messages; the server makes their ids of the turn's, so that no message has them. */
const planId = fc.constantFrom("a-plan", "b-plan");
/** Written and read once, since JSON.stringify makes 0 of -0. */
const anything = fc
  .jsonValue({ maxDepth: 2 })
  .map((value): unknown => JSON.parse(JSON.stringify(value)))
  .filter(namesNoHome);
/** What the protocol says for the most part, and sometimes anything at all. */
const orAnything = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: anything });

const text = orAnything(fc.string({ maxLength: 4 }).filter(namesNoHome));
const path = orAnything(
  fc.constantFrom("/repo/a.txt", "/repo", "/home/me/.ssh/id", "b.txt", "../c.txt", "~/d"),
);
const status = orAnything(fc.constantFrom("inProgress", "completed", "failed", "declined"));
const changes = orAnything(
  fc.array(
    fc.record({
      path,
      kind: orAnything(
        fc.constantFrom({ type: "add" }, { type: "update", move_path: "/home/me/x" }),
      ),
      diff: text,
    }),
    { maxLength: 2 },
  ),
);
const item = orAnything(
  fc.oneof(
    fc.record({ type: fc.constant("agentMessage"), id, text, phase: anything }),
    fc.record({ type: fc.constant("plan"), id: planId, text }),
    fc.record({
      type: fc.constant("reasoning"),
      id,
      summary: orAnything(fc.array(text, { maxLength: 2 })),
      content: orAnything(fc.array(text, { maxLength: 2 })),
    }),
    fc.record({
      type: fc.constant("commandExecution"),
      id,
      command: text,
      cwd: path,
      status,
      aggregatedOutput: text,
      exitCode: anything,
    }),
    fc.record({ type: fc.constant("fileChange"), id, changes, status }),
    fc.record({
      type: fc.constantFrom("mcpToolCall", "dynamicToolCall"),
      id,
      server: text,
      tool: text,
      arguments: anything,
      status,
      result: anything,
      error: anything,
      contentItems: anything,
    }),
    fc.record({
      type: fc.constantFrom("collabAgentToolCall", "subAgentActivity", "webSearch", "imageView"),
      id,
      tool: text,
      path,
      action: anything,
      receiverThreadIds: anything,
      agentsStates: anything,
    }),
    fc.record({ type: fc.constantFrom("userMessage"), id, content: anything }),
    fc.record({ type: fc.string(), id, novelty: anything }),
    fc.record({ type: fc.constant("contextCompaction"), id }),
  ),
);
const counts = orAnything(
  fc.record({ totalTokens: orAnything(fc.nat()), inputTokens: fc.nat(), novelty: anything }),
);
const turn = orAnything(
  fc.record(
    {
      id: fc.constant("turn"),
      status: orAnything(fc.constantFrom("completed", "failed", "interrupted", "novel")),
      error: orAnything(fc.constantFrom(null, { message: "no" }, { codexErrorInfo: "other" })),
      items: orAnything(fc.array(item, { maxLength: 3 })),
      durationMs: anything,
    },
    { requiredKeys: ["id"] },
  ),
);

const own = { threadId: "thread", turnId: "turn" };
const origins = fc.constantFrom(
  undefined,
  { ...own, parentThreadId: null, depth: 0 },
  { threadId: "child", turnId: "1", parentThreadId: "thread", depth: 1 },
  { threadId: "child", turnId: "2", parentThreadId: "thread", depth: 1 },
);

function eventOf(
  method: string,
  fields: Record<string, fc.Arbitrary<unknown>>,
  rest: Record<string, fc.Arbitrary<unknown>> = {},
): fc.Arbitrary<PartSource> {
  const params = fc.record(fields).map((given) => ({ ...own, ...given }));
  const event = { method: fc.constant(method), params: orAnything(params), origin: origins };
  return fc.record({ ...event, ...rest }) as unknown as fc.Arbitrary<PartSource>;
}

const delta = eventOf("item/agentMessage/delta", { itemId: id, delta: text });
const asked = { key: orAnything(fc.constantFrom("k1", "k2")), requestId: anything };
const ordinary = fc.oneof(
  delta,
  delta,
  eventOf("item/plan/delta", { itemId: planId, delta: text }),
  eventOf("item/reasoning/textDelta", { itemId: id, delta: text, contentIndex: fc.nat(3) }),
  eventOf("item/reasoning/summaryTextDelta", { itemId: id, delta: text, summaryIndex: fc.nat(3) }),
  eventOf("item/commandExecution/outputDelta", { itemId: id, delta: text }),
  eventOf("item/mcpToolCall/progress", { itemId: id, message: text }),
  eventOf("item/fileChange/patchUpdated", { itemId: id, changes }),
  eventOf("item/started", { item }),
  eventOf("item/started", { item }),
  eventOf("item/completed", { item }),
  eventOf("item/completed", { item }),
  eventOf("thread/tokenUsage/updated", {
    tokenUsage: orAnything(
      fc.record({ total: counts, last: counts, modelContextWindow: anything }),
    ),
  }),
  eventOf("turn/plan/updated", { plan: anything, explanation: anything }),
  eventOf("turn/diff/updated", { diff: text }),
  eventOf("error", { error: anything, willRetry: fc.boolean() }),
  eventOf("warning", { message: text }),
  eventOf("connection/gap", { itemIds: anything }),
  eventOf("serverRequest/resolved", { requestId: anything }),
  eventOf("turn/started", { turn }),
  eventOf("item/commandExecution/requestApproval", { itemId: id, command: text, cwd: path }, asked),
  eventOf("item/fileChange/requestApproval", { itemId: id }, asked),
  eventOf("item/permissions/requestApproval", { itemId: id, permissions: anything }, asked),
  eventOf("item/tool/requestUserInput", { itemId: id, questions: anything }, asked),
  eventOf("item/tool/call", { callId: id, tool: text, arguments: anything }, asked),
  eventOf(
    "mcpServer/elicitation/request",
    { mode: fc.constantFrom("form", "url", "novel"), _meta: anything, serverName: text },
    asked,
  ),
);
const unknown = fc
  .record({ method: fc.string(), params: anything, origin: origins })
  .map(({ method, ...event }) => ({ method: `novel/${method}`, ...event }) as PartSource);
const terminal = eventOf("turn/completed", { turn });

/** Any order, and anything twice. */
const events = fc
  .array(
    fc.tuple(
      fc.oneof(
        { weight: 24, arbitrary: ordinary },
        { weight: 2, arbitrary: unknown },
        { weight: 1, arbitrary: terminal },
      ),
      fc.integer({ min: 1, max: 2 }),
    ),
    { maxLength: 40 },
  )
  .map((list) => list.flatMap(([event, times]) => Array<PartSource>(times).fill(event)));

const everything = { cwd: "/repo", show: { rawReasoning: true, warnings: true } };

function partsOf(list: readonly PartSource[], options = everything): TurnPart[] {
  const parts = new TurnParts(options);
  const made = list.flatMap((event) => parts.next(deepFreeze(event)));
  return [...made, ...parts.end({ status: "lost" })];
}

const fold = (parts: readonly TurnPart[]): TurnView =>
  parts.reduce((view, part) => TurnView.apply(deepFreeze(view), deepFreeze(part)), TurnView.empty);

/** What has begun and not ended, by kind and id; fails when a part belongs to nothing that is open. */
class Open {
  readonly #open = new Set<string>();
  hasEnded = false;

  add(part: TurnPart): void {
    assert(!this.hasEnded, "nothing comes behind the end");
    const [kind = "", step = ""] = part.type.split("-");
    const key = `${kind} ${"key" in part ? part.key : "id" in part ? part.id : ""}`;
    if (part.type === "end") {
      deepStrictEqual([...this.#open], []);
      this.hasEnded = true;
    } else if (part.type === "request") {
      assert(part.toolId === undefined || this.#open.has(`tool ${part.toolId}`));
      this.#open.add(key);
    } else if (step === "start") {
      assert(!this.#open.has(key) || kind !== "tool", "a call that is open does not start");
      this.#open.add(key);
    } else if (["message", "reasoning", "tool", "request"].includes(kind)) {
      assert(this.#open.has(key), `${part.type} without a start`);
      if (step === "end" || step === "reset") this.#open.delete(key);
    }
  }
}

test("any events give parts that are JSON, the same ones each time, and never throw", () => {
  fc.assert(
    fc.property(events, (list) => {
      const parts = partsOf(list);
      deepStrictEqual(JSON.parse(JSON.stringify(parts)), parts);
      deepStrictEqual(partsOf(list), parts);
    }),
    { numRuns: 400 },
  );
});

test("whatever starts ends, and the one end of each turn comes last", () => {
  fc.assert(
    fc.property(events, (list) => {
      const turns = new Map<string, Open>();
      const parts = partsOf(list);
      for (const part of parts) {
        const key = part.origin?.turnId ?? "own";
        const open = turns.get(key) ?? new Open();
        turns.set(key, open);
        open.add(part);
      }
      assert([...turns.values()].every(({ hasEnded }) => hasEnded));
      const last = parts.at(-1);
      assert(last?.type === "end" && !last.origin);
    }),
    { numRuns: 400 },
  );
});

test("a view never changes, is JSON, and shows nothing as open when the turn is over", () => {
  fc.assert(
    fc.property(events, (list) => {
      const view = fold(partsOf(list));
      deepStrictEqual(JSON.parse(JSON.stringify(view)), view);
      for (const { entries, retry, end } of [view, ...view.agents.map((agent) => agent.view)]) {
        assert(retry === null && end !== null);
        for (const entry of entries) {
          if (entry.type === "message") assert(entry.state !== "open");
          if (entry.type === "reasoning") assert(!entry.open);
          if (entry.type === "tool") assert(entry.status !== "running");
          if (entry.type === "request") assert(entry.outcome !== null);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("text deltas that were merged for a slow reader come to the same view", () => {
  const merge = (list: readonly PartSource[]): PartSource[] =>
    list.reduce<PartSource[]>((merged, event) => {
      const last = merged.at(-1);
      const [one, other] = [last, event].map((each) => textIn(each));
      const isSame =
        last && one && other && one.itemId === other.itemId && last.origin === event.origin;
      if (!isSame) return [...merged, event];
      const params = { ...own, itemId: one.itemId, delta: one.delta + other.delta };
      return [...merged.slice(0, -1), { ...last, params }];
    }, []);
  fc.assert(
    fc.property(events, (list) => {
      deepStrictEqual(fold(partsOf(merge(list))), fold(partsOf(list)));
    }),
    { numRuns: 300 },
  );
});

test("without leave, no path outside the directory is shown where a path has a field", () => {
  fc.assert(
    fc.property(events, (list) => {
      const parts = partsOf(list).filter(({ type }) => /^(tool|request)/.test(type));
      const written = JSON.stringify(parts, (key, value: unknown) =>
        // Free text, and what tools are called with, is not a path's field.
        ["arguments", "command", "error", "output", "delta", "query", "threadIds"].includes(key)
          ? null
          : value,
      );
      assert(!/\/home\/me|~\//.test(written), written);
    }),
    { numRuns: 300 },
  );
});

/** Paths outside the directory come from `path` alone, so that whatever shows one has shown a path. */
function namesNoHome(value: unknown): boolean {
  return !JSON.stringify(value).includes("~/");
}

function textIn(event: PartSource | undefined): { itemId: string; delta: string } | undefined {
  if (event?.method !== "item/agentMessage/delta") return undefined;
  const { itemId, delta } = (event.params ?? {}) as Record<string, unknown>;
  const isText = typeof itemId === "string" && typeof delta === "string" && delta !== "";
  return isText ? { itemId, delta } : undefined;
}
