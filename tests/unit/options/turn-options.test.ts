import { expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { type TurnOptions } from "../../../lib/options/turn-options.js";
import { splitTurnOptions } from "../../../lib/options/split-options.js";

test("what the library does is kept apart from what the server gets", () => {
  const { signal } = new AbortController();
  const controls = { signal, timeoutMs: 5, onBreak: "detach", whenBusy: "reject" } as const;
  const settings = { model: "gpt-x", effort: null, outputSchema: null } as const;
  expect(splitTurnOptions({ ...controls, ...settings })).toEqual({ controls, settings });
  expect(splitTurnOptions({})).toEqual({ controls: {}, settings: {} });
});

test("a sandbox becomes a policy, none stays none", () => {
  expect(splitTurnOptions({ sandbox: "danger-full-access" }).settings).toEqual({
    sandboxPolicy: { type: "dangerFullAccess" },
  });
  expect(splitTurnOptions({ sandbox: null }).settings).toEqual({ sandboxPolicy: null });
  expect(splitTurnOptions({}).settings).not.toHaveProperty("sandboxPolicy");
});

test.each<[object, string, string]>([
  [{ timeoutMs: 0 }, "timeoutMs", "must be a positive number of milliseconds"],
  [{ timeoutMs: -1 }, "timeoutMs", "must be a positive number of milliseconds"],
  [{ timeoutMs: NaN }, "timeoutMs", "must be a positive number of milliseconds"],
  [{ timeoutMs: "5" }, "timeoutMs", "must be a positive number of milliseconds"],
  [{ onBreak: "stop" }, "onBreak", 'must be "interrupt" or "detach"'],
  [{ whenBusy: "wait" }, "whenBusy", 'must be "queue", "steer" or "reject"'],
])("%j is refused by name", (options, argument, problem) => {
  const attempt = () => splitTurnOptions(options);
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(expect.objectContaining({ argument, message: `${argument} ${problem}` }));
});

test.each<[object]>([
  [{ timeoutMs: Infinity }],
  [{ timeoutMs: undefined, onBreak: undefined, whenBusy: undefined, signal: undefined }],
])("%j is accepted", (options) => {
  expect(splitTurnOptions(options as TurnOptions).settings).toEqual({});
});
