import { describe, expect, test } from "@jest/globals";
import { initialTurnState, isRetryNotice, reduceTurn } from "../../../lib/turns/turn-state.js";
import { type TurnState } from "../../../lib/results/turn-state.js";
import { textMessages, turnCompleted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

function notice(fields: object = {}, more: object = {}) {
  const error = {
    message: "Reconnecting... 2/5",
    codexErrorInfo: { responseStreamDisconnected: { httpStatusCode: null } },
    ...fields,
  };
  return { method: "error", params: { ...ids, error, willRetry: true }, ...more };
}

function after(...events: object[]): TurnState {
  return events.reduce<TurnState>(
    (state, event) => reduceTurn(state, event as never),
    initialTurnState("thread-1"),
  );
}

describe("turn.state.retry", () => {
  test("says what the server tries, how often, and since when", () => {
    const first = notice({ message: "Reconnecting... 1/5" }, { emittedAtMs: 1_000 });
    const second = notice({}, { emittedAtMs: 6_000 });
    expect(after(first, second).retry).toEqual({
      message: "Reconnecting... 2/5",
      reason: "responseStreamDisconnected",
      attempt: 2,
      maxAttempts: 5,
      count: 2,
      sinceMs: 1_000,
    });
  });

  test("counts no attempts that the server does not count", () => {
    const endless = notice({
      message: "Reconnecting... waiting for network",
      codexErrorInfo: null,
    });
    expect(after(endless).retry).toEqual({
      message: "Reconnecting... waiting for network",
      reason: "other",
      attempt: null,
      maxAttempts: null,
      count: 1,
      sinceMs: null,
    });
  });

  test.each<[string, unknown]>([
    ["no error", { ...notice(), params: { ...ids, error: null, willRetry: true } }],
    ["words that are none", notice({ message: 7, codexErrorInfo: undefined })],
  ])("bears %s", (_name, event) => {
    expect(after(event as object).retry).toMatchObject({ message: "", reason: "other" });
  });

  const [started, delta, , completed] = textMessages({ ...ids, text: "Hello there" });
  test.each<[string, object | undefined]>([
    ["an item", started],
    ["text", delta],
    ["a whole item", completed],
    ["the end", turnCompleted(ids)],
    ["an error that is final", { ...notice(), params: { ...ids, error: {}, willRetry: false } }],
  ])("is over with %s", (_name, event) => {
    expect(after(notice(), event ?? {}).retry).toBeNull();
  });

  test("goes on when a command in the background writes something", () => {
    const output = {
      method: "item/commandExecution/outputDelta",
      params: { ...ids, itemId: "cmd-1", delta: "tick" },
    };
    expect(after(notice(), output, notice()).retry).toMatchObject({ count: 2 });
  });
});

test("isRetryNotice tells such an error from all else", () => {
  expect(isRetryNotice(notice())).toBe(true);
  expect(isRetryNotice({ method: "error", params: { willRetry: false } })).toBe(false);
  expect(isRetryNotice({ method: "error" })).toBe(false);
  expect(isRetryNotice({ method: "turn/started", params: { willRetry: true } })).toBe(false);
});
