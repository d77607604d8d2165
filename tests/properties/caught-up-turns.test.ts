import { test } from "@jest/globals";
import assert, { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import type { ThreadItem } from "../../generated/types.js";
import { ContinuedParts } from "../../lib/parts/continued-parts.js";
import type { ToolCall } from "../../lib/parts/part-types.js";
import type { TurnPart } from "../../lib/parts/turn-part.js";
import { TurnParts, type PartSource } from "../../lib/parts/turn-parts.js";
import { TurnView } from "../../lib/parts/turn-view.js";
import type { TurnEvent } from "../../lib/protocol.js";
import type { TurnReport } from "../../lib/turns/read-stored-turn.js";
import { TurnInbox } from "../../lib/turns/turn-inbox.js";
import { TurnProgress } from "../../lib/turns/turn-progress.js";
import {
  agentMessage,
  turnCompleted,
  turnStarted,
  type Message,
  type Params,
} from "../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

/** What one item does, from its first event to its last, as the server sends it. */
type Script = readonly Message[];

const message = (id: string, words: readonly string[]): Script => {
  const item = (text: string) => ({ ...ids, item: agentMessage(id, text) });
  return [
    { method: "item/started", params: item("") },
    ...words.map((delta) => ({
      method: "item/agentMessage/delta",
      params: { ...ids, itemId: id, delta },
    })),
    { method: "item/completed", params: item(words.join("")) },
  ];
};

/** A request by the key under which it comes again to everybody who attaches, until it is answered. */
const request = (method: string, id: string, params: object): Message => ({
  ...{ method, key: `key-${id}`, requestId: id },
  params: { ...ids, ...params },
});
const resolved = (id: string): Message => ({
  method: "serverRequest/resolved",
  params: { threadId: ids.threadId, requestId: id },
});
const begun = (item: object): Message => ({ method: "item/started", params: { ...ids, item } });
const over = (item: object): Message => ({ method: "item/completed", params: { ...ids, item } });

const commandOf = (id: string) => ({
  ...{ type: "commandExecution", id, command: `make ${id}`, cwd: "/repo", status: "inProgress" },
  ...{ commandActions: [], aggregatedOutput: null, exitCode: null, durationMs: null },
});

/** An approval comes before or behind the start of its command, or there is none; a refused command has no items. */
const command = (
  id: string,
  output: readonly string[],
  approval: "none" | "before" | "behind" | "refused",
): Script => {
  const params = { itemId: id, command: `make ${id}`, cwd: "/repo" };
  const asked = [request("item/commandExecution/requestApproval", id, params), resolved(id)];
  if (approval === "refused") return asked;
  const outputs = output.map((delta) => ({
    method: "item/commandExecution/outputDelta",
    params: { ...ids, itemId: id, delta },
  }));
  const item = commandOf(id);
  const end = { ...item, status: "completed", exitCode: 0, aggregatedOutput: output.join("") };
  return [
    ...(approval === "before" ? asked : []),
    begun(item),
    ...(approval === "behind" ? asked : []),
    ...outputs,
    over(end),
  ];
};

/** Of a call's answer the server tells nothing but its end. */
const call = (id: string, isAnnouncedFirst: boolean): Script => {
  const item = {
    ...{ type: "dynamicToolCall", id, namespace: null, tool: "find", arguments: { id } },
    ...{ status: "inProgress", contentItems: null, success: null, durationMs: null },
  };
  const asks = request("item/tool/call", id, { callId: id, tool: "find", arguments: { id } });
  const contentItems = [{ type: "inputText", text: "found" }];
  const end = over({ ...item, status: "completed", success: true, contentItems });
  return isAnnouncedFirst ? [begun(item), asks, end] : [asks, begun(item), end];
};

const words = fc.array(fc.constantFrom("a ", "b ", "c "), { minLength: 1, maxLength: 3 });
const script = (id: string): fc.Arbitrary<Script> =>
  fc.oneof(
    words.map((each) => message(id, each)),
    fc
      .tuple(words, fc.constantFrom("none", "before", "behind", "refused"))
      .map(([output, approval]) => command(id, output, approval)),
    fc.boolean().map((isFirst) => call(id, isFirst)),
  );

/** A turn whose calls run beside each other as it comes, and beside its messages, which come one after the other. */
const turns = fc
  .tuple(
    fc.tuple(script("one"), script("two"), script("three")),
    fc.array(fc.nat(2), { maxLength: 30 }),
  )
  .map(([scripts, order]) => {
    const rest = scripts.map((each) => [...each]);
    const mixed = order.flatMap((index) => {
      const next = rest[index] ?? [];
      return next.splice(0, isMessage(next) ? next.length : 1);
    });
    return [turnStarted(ids), ...mixed, ...rest.flat(), turnCompleted(ids)];
  });

function isMessage([first]: Script): boolean {
  return first !== undefined && JSON.stringify(first).includes("agentMessage");
}

/**
 * How somebody sees the turn: its events up to `lostAt`, nothing until `backAt`; then what comes is held back until the
 * server's store has been read, as it is at `readAt`, and the answer has come behind the event at `toldAt`.
 */
interface Loss {
  readonly lostAt: number;
  readonly backAt: number;
  readonly readAt: number;
  readonly toldAt: number;
}

const losses = fc
  .array(fc.nat(40), { minLength: 4, maxLength: 4 })
  .map((at) => at.sort((one, other) => one - other))
  .map(([lostAt = 0, backAt = 0, readAt = 0, toldAt = 0]) => ({ lostAt, backAt, readAt, toldAt }));

const isRequest = (event: Message): boolean => "key" in event;
const paramsOf = (event: Message) => event["params"] as Params;

/** What waits for an answer at this moment: that the server asks once more. */
function openRequests(events: readonly Message[]): readonly Message[] {
  const isAnswered = (asked: Message): boolean =>
    events.some((event) => {
      if (event["method"] === "serverRequest/resolved")
        return paramsOf(event)["requestId"] === asked["requestId"];
      const item = paramsOf(event)["item"] as { id: string } | undefined;
      return event["method"] === "item/completed" && item?.id === paramsOf(asked)["callId"];
    });
  return events.filter((event) => isRequest(event) && !isAnswered(event));
}

function reportOf(events: readonly Message[]): TurnReport {
  const completed = events.filter(({ method }) => method === "item/completed");
  const items = completed.map((event) => ({
    item: paramsOf(event)["item"] as ThreadItem,
    completedAtMs: 1,
  }));
  const end = events.find(({ method }) => method === "turn/completed");
  if (!end) return { state: "running", items };
  const turn = paramsOf(end)["turn"] as Extract<TurnReport, { state: "ended" }>["turn"];
  return { state: "ended", turn, items, isLast: true };
}

function seen(turn: readonly Message[], { lostAt, backAt, readAt, toldAt }: Loss): TurnEvent[] {
  const progress = new TurnProgress(ids.threadId);
  const inbox = new TurnInbox(progress);
  const delivered: TurnEvent[] = [];
  const deliver = (event: TurnEvent): void => {
    progress.add(event);
    delivered.push(event);
  };
  const receive = (events: readonly Message[]): void => {
    for (const event of events as unknown as TurnEvent[]) if (inbox.admits(event)) deliver(event);
  };
  receive(turn.slice(0, lostAt));
  progress.state = { ...progress.state, id: ids.turnId };
  inbox.hold(undefined);
  const before = new Set(turn.slice(0, lostAt));
  // One that was shown before is known when it comes once more.
  const again = openRequests(turn.slice(0, backAt)).filter((asked) => !before.has(asked));
  receive([...again, ...turn.slice(backAt, toldAt)]);
  for (const event of inbox.release(reportOf(turn.slice(0, readAt)))) deliver(event);
  receive(turn.slice(toldAt));
  return delivered;
}

function partsOf(events: readonly TurnEvent[]): TurnPart[] {
  const parts = new TurnParts({ cwd: "/repo" });
  return events.flatMap((event) => parts.next(event as PartSource));
}

/** The loss ends before the turn does: what becomes of a turn whose end was missed, its driver decides. */
const cases = fc.tuple(turns, losses).map(([turn, loss]): [readonly Message[], Loss] => {
  const within = (at: number): number => Math.min(at, turn.length - 1);
  const { lostAt, backAt, readAt, toldAt } = loss;
  return [
    turn,
    {
      ...{ lostAt: within(lostAt), backAt: within(backAt) },
      ...{ readAt: within(readAt), toldAt: within(toldAt) },
    },
  ];
});

test("of a turn that is caught up with, each call and each message begins and ends once, as it did", () => {
  fc.assert(
    fc.property(cases, ([turn, loss]) => {
      const parts = partsOf(seen(turn, loss));
      const counted = parts.flatMap((part) =>
        ["tool-start", "tool-end", "message-end", "request", "request-end"].includes(part.type)
          ? `${part.type} ${"id" in part ? part.id : "key" in part ? part.key : ""}`
          : [],
      );
      deepStrictEqual(counted, [...new Set(counted)]);
      const asked = counted.filter((each) => each.startsWith("request "));
      assert(asked.every((each) => counted.includes(each.replace("request", "request-end"))));
      const whole = shownIn(partsOf(turn as unknown as TurnEvent[]));
      const caughtUp = shownIn(parts);
      for (const [id, entry] of caughtUp) {
        // Behind a loss it is not certain that a command did not begin.
        const isUncertain = isRefused(turn, id) && entry.status === "background";
        deepStrictEqual(isUncertain ? { ...entry, status: "declined" } : entry, whole.get(id));
      }
      // Of a command that was asked about and refused within the loss, nobody tells.
      const missing = [...whole.keys()].filter((id) => !caughtUp.has(id));
      assert(missing.every((id) => isRefused(turn, id)));
    }),
    { numRuns: 1_000 },
  );
});

test("of a turn that is caught up with, the state has each item once, whole", () => {
  fc.assert(
    fc.property(cases, ([turn, loss]) => {
      const stateOf = (events: readonly TurnEvent[]) => {
        const progress = new TurnProgress(ids.threadId);
        for (const event of events) progress.add(event);
        const { items, openItems, status } = progress.state;
        const sorted = items.toSorted((one, other) => one.id.localeCompare(other.id));
        return { items: sorted, openItems, status };
      };
      deepStrictEqual(stateOf(seen(turn, loss)), stateOf(turn as unknown as TurnEvent[]));
    }),
    { numRuns: 1_000 },
  );
});

test("what a process told before it died, and what another tells that follows the turn, come to the whole", () => {
  fc.assert(
    fc.property(cases, fc.nat(40), ([turn, loss], at) => {
      const whole = partsOf(turn as unknown as TurnEvent[]);
      const logged = whole.slice(0, Math.min(at, whole.length - 1));
      const continued = new ContinuedParts(logged);
      // The other process has seen nothing of the turn.
      const rest = partsOf(seen(turn, { ...loss, lostAt: 0 })).flatMap((part) => [
        ...continued.next(part),
      ]);
      const told = [...logged, ...rest];
      const counted = told.flatMap((part) =>
        ["tool-start", "request"].includes(part.type)
          ? `${part.type} ${"id" in part ? part.id : "key" in part ? part.key : ""}`
          : [],
      );
      deepStrictEqual(counted, [...new Set(counted)]);
      const [expected, shown] = [shownIn(whole), shownIn(told)];
      for (const [id, entry] of shown) {
        const isUncertain = isRefused(turn, id) && entry.status === "background";
        deepStrictEqual(isUncertain ? { ...entry, status: "declined" } : entry, expected.get(id));
      }
      assert(told.at(-1)?.type === "end");
    }),
    { numRuns: 1_000 },
  );
});

function isRefused(turn: readonly Message[], id: string): boolean {
  return !turn.some((event) => {
    const item = paramsOf(event)["item"] as { id: string } | undefined;
    return item?.id === id;
  });
}

interface Shown {
  readonly text: string;
  readonly tool?: ToolCall;
  readonly status?: string;
}

/** What a page shows of each call and message in the end, by its id. */
function shownIn(parts: readonly TurnPart[]): Map<string, Shown> {
  const shown = new Map<string, Shown>();
  const view = parts.reduce((before, part) => TurnView.apply(before, part), TurnView.empty);
  for (const entry of view.entries) {
    if (entry.type === "message") shown.set(entry.id, { text: entry.text });
    if (entry.type !== "tool") continue;
    const { id, tool, status, output } = entry;
    shown.set(id, { text: output, tool, status });
  }
  return shown;
}
