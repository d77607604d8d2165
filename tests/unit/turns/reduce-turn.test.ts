import { describe, expect, test } from "@jest/globals";
import type { TurnEvent } from "../../../lib/protocol.js";
import { toTurnResult } from "../../../lib/turns/turn-result.js";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import { type TurnState } from "../../../lib/results/turn-state.js";
import { deepFreeze } from "../../support/deep-freeze.js";
import {
  agentMessage,
  turnCompleted,
  turnStarted,
  type Params,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const initial: TurnState = deepFreeze({ ...initialTurnState("thread-1"), id: "turn-1" });

function event(method: string, params: Params): TurnEvent {
  return { method, params: { ...ids, ...params } } as TurnEvent;
}

const completed = (item: Params) => event("item/completed", { item });
const started = (item: Params) => event("item/started", { item });
const end = (fields: Params = {}) => turnCompleted(ids, fields) as TurnEvent;

/** Every state is frozen before the next event, so a changed input would throw. */
function fold(...events: TurnEvent[]): TurnState {
  return events.reduce((state, one) => deepFreeze(reduceTurn(state, deepFreeze(one))), initial);
}

const result = (...events: TurnEvent[]) => toTurnResult(fold(...events));

test("a turn begins with nothing", () => {
  expect(toTurnResult(initialTurnState("thread-1"))).toEqual({
    id: "",
    threadId: "thread-1",
    status: "inProgress",
    error: null,
    finalResponse: null,
    items: [],
    warnings: [],
    usage: null,
    usageWithSubagents: null,
    startedAt: null,
    completedAt: null,
    durationMs: null,
  });
});

test("an event that means nothing here gives back the very same state", () => {
  expect(reduceTurn(initial, event("item/hologram/delta", { itemId: "h" }))).toBe(initial);
  expect(reduceTurn(initial, event("model/rerouted", { to: "gpt-x" }))).toBe(initial);
});

test("turn/started and turn/completed tell the times", () => {
  expect(fold(turnStarted(ids) as TurnEvent).startedAt).toBe(1_767_225_600);
  const over = result(turnStarted(ids) as TurnEvent, end({ startedAt: null }));
  expect(over).toMatchObject({
    startedAt: 1_767_225_600,
    completedAt: 1_767_225_601,
    durationMs: 1_000,
  });
});

test("the latest plan and the latest diff are kept", () => {
  const plan = (step: string) =>
    event("turn/plan/updated", { plan: [{ step, status: "pending" }] });
  const state = fold(
    plan("one"),
    event("turn/diff/updated", { diff: "-a" }),
    plan("two"),
    event("turn/diff/updated", { diff: "-a\n+b" }),
  );
  expect(state.plan).toEqual([{ step: "two", status: "pending" }]);
  expect(state.diff).toBe("-a\n+b");
});

describe("items", () => {
  test("are kept in the order in which they began", () => {
    const state = fold(
      started(agentMessage("a", "")),
      started(agentMessage("b", "")),
      completed(agentMessage("b", "second")),
      completed(agentMessage("a", "first")),
    );
    expect(state.items).toEqual([agentMessage("a", "first"), agentMessage("b", "second")]);
    expect(state.openItems).toEqual([]);
  });

  test("are replaced, not merged, when they complete", () => {
    const open = { type: "commandExecution", id: "c", status: "inProgress", source: "agent" };
    const done = { type: "commandExecution", id: "c", status: "completed", processId: "7" };
    expect(fold(started(open), completed(done)).items).toEqual([done]);
  });

  test("that start twice are open once", () => {
    const state = fold(started(agentMessage("a", "one")), started(agentMessage("a", "two")));
    expect(state.openItems).toEqual([agentMessage("a", "two")]);
  });

  test("of another type with the same id are other items", () => {
    const plan = { type: "plan", id: "a", text: "" };
    const state = fold(started(agentMessage("a", "")), started(plan), completed(plan));
    expect(state.openItems).toEqual([agentMessage("a", "")]);
  });

  test("of the terminal copy replace what is known, and add what is not", () => {
    const { items } = result(
      completed(agentMessage("a", "old")),
      completed(agentMessage("b", "stays")),
      end({ items: [agentMessage("a", "new"), agentMessage("c", "added")] }),
    );
    expect(items).toEqual([
      agentMessage("a", "new"),
      agentMessage("b", "stays"),
      agentMessage("c", "added"),
    ]);
  });

  test("of the terminal copy are closed", () => {
    const state = fold(started(agentMessage("a", "")), end({ items: [agentMessage("a", "all")] }));
    expect(state.openItems).toEqual([]);
    expect(state.items).toEqual([agentMessage("a", "all")]);
  });

  test.each([
    ["interrupted", "failed"],
    ["failed", "failed"],
    ["completed", "inProgress"],
  ])(
    "that an %s turn leaves open stand where they began, with the status %s",
    (status, expected) => {
      const open = { type: "commandExecution", id: "c", status: "inProgress" };
      const { items } = result(started(open), completed(agentMessage("a", "x")), end({ status }));
      expect(items).toEqual([{ ...open, status: expected }, agentMessage("a", "x")]);
    },
  );

  test("without a status are left as they are", () => {
    const open = agentMessage("a", "half a");
    expect(result(started(open), end({ status: "interrupted" })).items).toEqual([open]);
  });
});

describe("finalResponse", () => {
  const messages = (...list: [text: string, phase: string | null | undefined][]) =>
    result(
      ...list.map(([text, phase], index) =>
        completed({ ...agentMessage(`m-${index}`, text), phase }),
      ),
      end(),
    ).finalResponse;

  test("is the last message that is marked as the final answer", () => {
    expect(messages(["a", "final_answer"], ["b", "final_answer"], ["c", null])).toBe("b");
  });

  test("is the last message without a mark when none is marked", () => {
    expect(messages(["a", null], ["b", null], ["c", "commentary"])).toBe("b");
    expect(messages(["a", undefined], ["b", "commentary"])).toBe("a");
  });

  test("is never a commentary", () => {
    expect(messages(["a", "commentary"])).toBeNull();
  });

  test("may be empty, which is not the same as none", () => {
    expect(messages(["a", null], ["", "final_answer"])).toBe("");
    expect(messages(["a", null], ["", null])).toBe("");
    expect(messages()).toBeNull();
  });

  test("is never a message that did not complete", () => {
    const cut = started(agentMessage("a", "half a", "final_answer"));
    expect(result(cut, end({ status: "interrupted" })).finalResponse).toBeNull();
  });
});

describe("the end", () => {
  const error = { message: "no", codexErrorInfo: "other" };

  test("has the error of turn/completed, else that of the last error event", () => {
    const early = event("error", { error: { message: "early" }, willRetry: false });
    expect(result(early, end({ status: "failed", error })).error).toEqual(error);
    expect(result(early, end({ status: "failed" })).error).toEqual({ message: "early" });
  });

  test("has no error unless the turn failed", () => {
    const retried = event("error", { error, willRetry: true });
    expect(result(retried, end()).error).toBeNull();
    expect(result(retried, end({ status: "interrupted" })).error).toBeNull();
  });

  test.each([
    ["failed", error],
    ["completed", null],
  ])("without a status is %s when its error is %j", (status, given) => {
    expect(result(end({ status: undefined, error: given })).status).toBe(status);
  });
});
