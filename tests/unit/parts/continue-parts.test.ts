import { expect, test } from "@jest/globals";
import assert, { deepStrictEqual } from "node:assert/strict";
import { ContinuedParts } from "../../../lib/parts/continued-parts.js";
import { continueParts } from "../../../lib/parts/continue-parts.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { TurnParts, type PartSource } from "../../../lib/parts/turn-parts.js";
import { TurnView, type ViewEntry } from "../../../lib/parts/turn-view.js";
import { collect } from "../../support/collect.js";
import { recordedCwd } from "../../support/golden-parts.js";
import { recordedStreams, type EventWithOrigin } from "../../support/recorded-streams.js";
import { transcriptNames } from "../../support/transcripts.js";

const fold = (parts: readonly TurnPart[]): TurnView =>
  parts.reduce((view, part) => TurnView.apply(view, part), TurnView.empty);

/**
 * What another process hears of a turn that it attaches to before the event at `from`: the items that are complete, the
 * requests that wait, and then what comes.
 */
function attached(events: readonly EventWithOrigin[], from: number): PartSource[] {
  const before = events.slice(0, from);
  const [first] = events;
  // The server says of approvals that they are resolved; a call of a function is when its item is complete.
  const resolved = new Set(
    before.flatMap(({ method, params }) => {
      const { requestId, item } = params as { requestId?: unknown; item?: { id: string } };
      if (method === "serverRequest/resolved") return [requestId];
      return method === "item/completed" ? [item?.id] : [];
    }),
  );
  const isPending = (event: EventWithOrigin): boolean => {
    const { requestId } = event as { requestId?: unknown };
    const { callId } = event.params as { callId?: string };
    return requestId !== undefined && !resolved.has(requestId) && !resolved.has(callId);
  };
  const params = { threadId: first?.origin.threadId, turn: { id: first?.origin.turnId } };
  const started = { method: "turn/started", params, origin: first?.origin } as PartSource;
  return [
    started,
    ...before.filter(({ method, origin }) => method === "item/completed" && origin.depth === 0),
    ...before.filter(isPending),
    ...events.slice(from),
  ];
}

function partsOf(events: readonly PartSource[]): TurnPart[][] {
  const parts = new TurnParts({ cwd: recordedCwd, show: { warnings: true, rawReasoning: true } });
  return events.map((event) => [...parts.next(event)]);
}

function continued(logged: readonly TurnPart[], parts: readonly TurnPart[]): TurnPart[] {
  const going = new ContinuedParts(logged);
  return [...parts.flatMap((part) => going.next(part)), ...going.end()];
}

/** Each place where a writer may have died, with the event that nobody has heard then. */
function* cuts(told: readonly (readonly TurnPart[])[]) {
  const logged: TurnPart[] = [];
  for (const [index, parts] of told.entries()) {
    for (const part of parts) {
      yield { logged: [...logged], next: index };
      logged.push(part);
    }
    yield { logged: [...logged], next: index + 1 };
  }
}

/** Fails when something is told twice, or of something that has not begun, or is left open. */
function checkContract(parts: readonly TurnPart[]): void {
  const open = new Set<string>();
  const scopes = new Map<string, { isOver: boolean; hasStarted: boolean }>();
  for (const part of parts) {
    const agent = part.origin?.turnId ?? "own";
    const scope = scopes.get(agent) ?? { isOver: false, hasStarted: false };
    scopes.set(agent, scope);
    assert(!scope.isOver, "nothing comes behind the end");
    const [kind = "", step = ""] = part.type.split("-");
    const key = `${agent} ${kind} ${"key" in part ? part.key : "id" in part ? part.id : ""}`;
    if (part.type === "start") {
      assert(!scope.hasStarted, "it starts once");
      scope.hasStarted = true;
    } else if (part.type === "end") {
      assert(![...open].some((each) => each.startsWith(`${agent} `)), "something is left open");
      scope.isOver = true;
    } else if (part.type === "request" || step === "start") {
      assert(!open.has(key), `${key} begins twice`);
      open.add(key);
    } else if (["message", "reasoning", "tool", "request"].includes(kind)) {
      assert(open.has(key), `${part.type} without a start`);
      if (step === "end" || step === "reset") open.delete(key);
    }
  }
  assert(
    [...scopes.values()].every(({ isOver }) => isOver),
    "each turn ends",
  );
  assert(parts.at(-1)?.type === "end" && !parts.at(-1)?.origin, "the end comes last");
}

const names = transcriptNames();

test.each(names)(
  "%s: told on in another process at any place, it comes to the same view",
  (name) => {
    for (const { events } of recordedStreams(name)) {
      const told = partsOf(events);
      const whole = fold(told.flat());
      for (const { logged, next } of cuts(told)) {
        const parts = continued(logged, partsOf(attached(events, next)).flat());
        const last = logged.at(-1);
        if (last?.type === "end" && !last.origin) {
          deepStrictEqual(parts, []);
          continue;
        }
        checkContract([...logged, ...parts]);
        const view = fold([...logged, ...parts]);
        const torn = new Set(parts.flatMap((part) => (part.type === "gap" ? part.ids : [])));
        // During a compaction, who has not heard it begin cannot tell the turn's usage from the thread's.
        const knowsUsage =
          !name.includes("compaction") || logged.some(({ type }) => type === "usage");
        deepStrictEqual(shownOf(view, torn, knowsUsage), shownOf(whole, torn, knowsUsage));
      }
    }
  },
);

test.each(names)(
  "%s: attached to later, it lacks nothing of the items that are complete",
  (name) => {
    for (const { events } of recordedStreams(name)) {
      const told = partsOf(events);
      const whole = fold(told.flat());
      for (const { logged, next } of cuts(told)) {
        // Each place would be too many.
        for (let from = next + 1; from < events.length; from += 1 + Math.floor(events.length / 5)) {
          const parts = continued(logged, partsOf(attached(events, from)).flat());
          if (parts.length === 0) continue;
          checkContract([...logged, ...parts]);
          const view = fold([...logged, ...parts]);
          deepStrictEqual(finished(view), finished(whole));
          deepStrictEqual({ ...view.end, usage: null }, { ...whole.end, usage: null });
        }
      }
    }
  },
);

/** What a view shows, but for what the contract leaves open: where a text stands that was told anew, and what is torn. */
function shownOf(view: TurnView, torn: ReadonlySet<string>, withUsage: boolean): unknown {
  const { threadId, turnId, entries, plan, diff, retry, usage, end } = view;
  const shown = entries.flatMap((entry) => {
    // One that had no word yet may as well not have begun.
    if (entry.type === "message" && entry.state === "cut" && entry.text === "") return [];
    const { id } = entry as { id?: string };
    return [id !== undefined && torn.has(id) ? { type: entry.type, id } : entry];
  });
  const counts = withUsage ? { usage, end } : { end: { ...end, usage: null } };
  return { threadId, turnId, entries: sorted(shown), plan, diff, retry, ...counts };
}

function finished({ entries }: TurnView): unknown {
  const isFinished = (entry: ViewEntry): boolean =>
    entry.type === "user-message" ||
    (entry.type === "message" && entry.state === "whole") ||
    (entry.type === "tool" && ["completed", "failed"].includes(entry.status));
  return sorted(entries.filter(isFinished));
}

function sorted(entries: readonly unknown[]): unknown[] {
  return entries.map((entry) => JSON.stringify(entry)).sort();
}

const call = { kind: "command", command: "make" } as const;
const asked = { kind: "command", command: "make", reason: null } as const;
const start: TurnPart = { type: "start", threadId: "thread", turnId: "turn" };
const end: TurnPart = {
  ...{ type: "end", status: "completed", finalResponse: null, usage: null, durationMs: null },
};

test("output that goes on is shown as it comes, and only what is missing", () => {
  const begun: TurnPart = { type: "tool-start", id: "call", tool: call };
  const output = (delta: string): TurnPart => ({ type: "tool-output", id: "call", delta });
  const over: TurnPart = { type: "tool-end", id: "call", tool: call, status: "completed" };
  const logged = [start, begun, output("one\n")];
  const again = [start, begun, output("one\ntwo\n"), output("three\n"), over, end];
  expect(continued(logged, again)).toEqual([output("two\n"), output("three\n"), over, end]);
  const torn = [start, begun, output("three\n"), { ...over, output: "one\ntwo\nthree\n" }, end];
  expect(continued(logged, torn)).toEqual([output("two\nthree\n"), over, end]);
  const another = [start, begun, output("1\n"), over, end];
  expect(continued(logged, another)).toEqual([{ ...over, output: "1\n" }, end]);
  const cut = { ...over, status: "interrupted" } as const;
  expect(continued(logged, [start, begun, output("three\n"), cut, end])).toEqual([
    { type: "gap", ids: ["call"] },
    cut,
    end,
  ]);
});

test("a message that was open gets its rest, or is taken back and told anew", () => {
  const message = (...deltas: string[]): TurnPart[] => [
    { type: "message-start", id: "m", phase: null },
    ...deltas.map((delta): TurnPart => ({ type: "message-delta", id: "m", delta })),
  ];
  const over: TurnPart = { type: "message-end", id: "m", phase: "final_answer", cut: false };
  const logged = [start, ...message("Hello")];
  expect(continued(logged, [start, ...message("Hello, ", "world"), over, end])).toEqual([
    ...message(", ", "world").slice(1),
    over,
    end,
  ]);
  expect(continued(logged, [start, ...message("Good day"), over, end])).toEqual([
    { type: "message-reset", id: "m" },
    { type: "message-start", id: "m", phase: "final_answer" },
    ...message("Good day").slice(1),
    over,
    end,
  ]);
  // Nobody tells it again.
  expect(continued(logged, [start, end])).toEqual([{ type: "message-reset", id: "m" }, end]);
  const failed = { ...end, status: "failed" } as TurnPart;
  const cut: TurnPart = { type: "message-end", id: "m", phase: null, cut: true };
  expect(continued(logged, [start, failed])).toEqual([cut, failed]);
});

test("requests are not asked again, and end when they were answered meanwhile", () => {
  const request = (key: string): TurnPart => ({ type: "request", key, request: asked });
  const answered = (key: string): TurnPart => ({ type: "request-end", key, outcome: "answered" });
  const logged = [start, request("one"), request("two")];
  const again = [start, request("one"), request("three"), answered("one"), answered("three"), end];
  const going = new ContinuedParts(logged, { pending: new Set(["one"]) });
  expect(again.flatMap((part) => going.next(part))).toEqual([
    answered("two"),
    request("three"),
    answered("one"),
    answered("three"),
    end,
  ]);
  expect(continued(logged, [start, end])).toEqual([answered("one"), answered("two"), end]);
});

test("a turn that nobody hears of again ends as lost, its sub-agents before it", () => {
  const origin = { threadId: "child", turnId: "c", parentThreadId: "thread", depth: 1 };
  const logged: TurnPart[] = [start, { ...start, turnId: "c", origin }];
  expect(continued(logged, [])).toMatchObject([
    { type: "end", status: "lost", origin },
    { type: "end", status: "lost" },
  ]);
});

test("the iteration yields what is new, and leaving it leaves the one behind it", async () => {
  let left = 0;
  const iterate = (parts: readonly TurnPart[]) => {
    const iterator = parts[Symbol.iterator]();
    return {
      next: () => Promise.resolve(iterator.next()),
      return: () => {
        left += 1;
        return Promise.resolve({ value: undefined, done: true as const });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  const user: TurnPart = { type: "user-message", id: "u", text: "Hi" };
  expect(await collect(continueParts([start], iterate([start, user, end])))).toEqual([user, end]);
  expect(await collect(continueParts([start], iterate([start, user])))).toMatchObject([
    user,
    { type: "end", status: "lost" },
  ]);
  expect(left).toBe(0);
  // Nobody reads on where the log has the end, so what comes must not be kept.
  expect(await collect(continueParts([start, end], iterate([start, user, end])))).toEqual([]);
  expect(left).toBe(1);
  for await (const part of continueParts([start], iterate([start, user, end]))) {
    expect(part).toEqual(user);
    break;
  }
  expect(left).toBe(2);
});
