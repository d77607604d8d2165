import { describe, expect, test } from "@jest/globals";
import { classify, ErrorAnswer } from "../../../lib/jsonrpc/message.js";

test.each<[string, object]>([
  ["notification", { method: "turn/started", params: {}, emittedAtMs: 1 }],
  ["notification", { method: "initialized" }],
  ["request", { id: 0, method: "item/tool/call", params: {} }],
  ["request", { id: "a", method: "item/tool/call" }],
])("a %s is passed on as it is: %j", (kind, message) => {
  expect(classify(message)).toEqual({ kind, message });
  expect(classify(message)?.message).toBe(message);
});

describe("answers", () => {
  test.each<[unknown]>([[{ thread: {} }], [null], [0], [""], [false]])(
    "with the result %j",
    (result) => {
      expect(classify({ id: 7, result })).toEqual({ kind: "response", message: { id: 7, result } });
    },
  );

  test.each<[unknown]>([[{ code: -32_600, message: "no", data: { a: 1 } }], ["no"], [7], [{}]])(
    "with the error %j",
    (error) => {
      const classified = classify({ error, id: "a" });
      expect(classified).toMatchObject({ kind: "response", message: { id: "a" } });
      const answer = classified?.kind === "response" ? classified.message.result : undefined;
      expect(answer).toBeInstanceOf(ErrorAnswer);
      expect(answer).toMatchObject({ error });
    },
  );

  test("an error that is null is no error", () => {
    expect(classify({ id: 7, result: 1, error: null })).toEqual({
      kind: "response",
      message: { id: 7, result: 1 },
    });
  });

  test("an answer without either is an error, so that nobody waits for it", () => {
    for (const message of [{ id: 7 }, { id: 7, error: null }, { id: 7, error: undefined }]) {
      const classified = classify(message);
      const answer = classified?.kind === "response" ? classified.message.result : undefined;
      expect(answer).toBeInstanceOf(ErrorAnswer);
      expect(answer).toMatchObject({ error: { message: "it has no result and no error" } });
    }
  });
});

test.each<[unknown]>([
  [null],
  [7],
  ["turn/started"],
  [true],
  [[]],
  [[{ method: "turn/started" }]],
  [{}],
  [{ method: 7 }],
  [{ id: null, method: "turn/started" }],
  [{ id: true, method: "item/tool/call" }],
  [{ id: null, result: 1 }],
  [{ result: 1 }],
])("%j is no message", (value) => {
  expect(classify(value)).toBeUndefined();
});
