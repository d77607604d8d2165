import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ThreadItem } from "../../../generated/types.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import { itemsInOrder } from "../../../lib/turns/turn-items.js";
import { toTurnResult } from "../../../lib/turns/turn-result.js";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import { deepFreeze } from "../../support/deep-freeze.js";
import { agentMessage, turnCompleted, type Params } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const event = (method: string, params: Params) => ({ method, params: { ...ids, ...params } });
const command = (id: string, status: string) => ({ type: "commandExecution", id, status });

const started = (item: Params) => event("item/started", { item }) as TurnEvent;
const completed = (item: Params) => event("item/completed", { item }) as TurnEvent;
const delta = (itemId: string, text: string) =>
  event("item/agentMessage/delta", { itemId, delta: text }) as TurnEvent;
const end = (fields: Params = {}) => turnCompleted(ids, fields) as TurnEvent;

function fold(...events: TurnEvent[]) {
  return events.reduce(
    (state, one) => deepFreeze(reduceTurn(state, deepFreeze(one))),
    initialTurnState("thread-1"),
  );
}

const idsOf = (items: readonly ThreadItem[]) => items.map(({ id }) => id).join(" ");

describe("in the result, an item stands where it began", () => {
  test("a message that a steer has cut", () => {
    const { items } = toTurnResult(
      fold(
        completed({ type: "userMessage", id: "u1", content: [] }),
        started(agentMessage("cut", "")),
        delta("cut", "Half of "),
        started({ type: "userMessage", id: "u2", content: [] }),
        completed({ type: "userMessage", id: "u2", content: [] }),
        started(agentMessage("whole", "")),
        completed(agentMessage("whole", "Something else.")),
        end(),
      ),
    );
    expect(idsOf(items)).toBe("u1 cut u2 whole");
    expect(items[1]).toMatchObject({ text: "Half of " });
  });

  test("a command that outlasts what came after it, or is left open", () => {
    const events = [
      started(command("slow", "inProgress")),
      started(command("open", "inProgress")),
      completed(agentMessage("a", "Meanwhile.")),
    ];
    const slow = completed(command("slow", "completed"));
    const { items } = toTurnResult(fold(...events, slow, end({ status: "interrupted" })));
    expect(idsOf(items)).toBe("slow open a");
    expect(items[1]).toMatchObject({ status: "failed" });
  });

  test("one that begins anew stands where it has begun last", () => {
    const events = [
      started(agentMessage("a", "")),
      completed({ type: "reasoning", id: "r", summary: [], content: [] }),
      started(agentMessage("a", "")),
      completed(agentMessage("b", "B")),
      completed(agentMessage("a", "A")),
    ];
    expect(idsOf(toTurnResult(fold(...events)).items)).toBe("r a b");
  });

  test("one whose start was missed stands where the server says that it began", () => {
    const at = (startedAtMs: number, item: Params): Params => ({ ...item, startedAtMs });
    const { items } = toTurnResult(
      fold(
        completed(at(10, agentMessage("a", "A"))),
        started(at(20, command("open-1", "inProgress"))),
        completed(at(40, agentMessage("b", "B"))),
        started(at(50, command("open-2", "inProgress"))),
        completed(at(30, agentMessage("missed", "M"))),
        completed(at(50, agentMessage("c", "C"))),
      ),
    );
    expect(idsOf(items)).toBe("a open-1 missed b open-2 c");
  });

  test("or, when it does not say, where it was heard of", () => {
    const events = [
      started(agentMessage("open", "")),
      completed(agentMessage("missed", "M")),
      completed(agentMessage("open", "O")),
      end({ items: [agentMessage("last", "L")] }),
    ];
    expect(idsOf(toTurnResult(fold(...events)).items)).toBe("open missed last");
  });
});

test("a snapshot tells where its open items stand among those that have completed", () => {
  const state = fold(
    started(agentMessage("open-1", "")),
    completed(agentMessage("a", "A")),
    started(agentMessage("open-2", "")),
    started(command("open-3", "inProgress")),
    completed(agentMessage("b", "B")),
  );
  expect(state).toMatchObject({
    items: [{ id: "a" }, { id: "b" }],
    openItems: [{ id: "open-1" }, { id: "open-2" }, { id: "open-3" }],
    openPositions: [0, 1, 1],
  });
  expect(idsOf(itemsInOrder(state))).toBe("open-1 a open-2 open-3 b");
  expect(state.items).toHaveLength(2);
});

test("whatever completes when, and whatever does not, all of it is in the order of the starts", () => {
  const names = Array.from({ length: 8 }, (_, index) => `item-${index}`);
  const order = fc.shuffledSubarray(names, { minLength: 0 });
  /** How many items have begun before each completion. */
  const leads = fc.array(fc.nat({ max: 8 }), { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(order, leads, (completions, begun) => {
      const events: TurnEvent[] = [];
      let next = 0;
      const begin = (until: number): void => {
        for (; next < until; next += 1) events.push(started(agentMessage(names[next] ?? "", "")));
      };
      completions.forEach((name, index) => {
        begin(Math.max(begun[index] ?? 0, names.indexOf(name) + 1));
        events.push(completed(agentMessage(name, "done")));
      });
      begin(names.length);
      const state = fold(...events);
      expect(idsOf(itemsInOrder(state))).toBe(names.join(" "));
      expect(idsOf(state.items)).toBe(names.filter((name) => completions.includes(name)).join(" "));
    }),
    { numRuns: 200 },
  );
});
