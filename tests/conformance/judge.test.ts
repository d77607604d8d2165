import { describe, expect, test } from "@jest/globals";
import { type Facts, judge, usualLimitMs } from "./judge.js";
import type { Expectation, Report } from "./scenario.js";

const report: Report = {
  outcomes: [{ status: "completed", text: "Hello.", ends: 1 }],
  ms: 100,
  left: [],
  warnings: [],
};
const facts: Facts = {
  report,
  received: [
    { id: 1, method: "turn/start", params: { threadId: "a" } },
    { id: 0, result: {} },
  ],
  alive: 0,
};
const outcomes = [{ status: "completed", ends: 1 }];

function problems(changes: Partial<Facts>, expectation: Partial<Expectation> = {}): string[] {
  const expect = { outcomes, ...expectation };
  return judge({ name: "", server: "", client: "", expect }, { ...facts, ...changes });
}

test("what is as it must be has no problem, and more than is named does not matter", () => {
  const expectation: Partial<Expectation> = {
    answers: [{ id: 0 }],
    received: ["turn/start", "(answer)"],
    neverReceived: ["turn/interrupt"],
    sent: { method: "turn/start", params: { threadId: "a" } },
  };
  expect(problems({}, expectation)).toEqual([]);
});

describe("a problem is", () => {
  test.each<[string, Partial<Facts>, Partial<Expectation>, string]>([
    ["another outcome", {}, { outcomes: [{ ends: 2 }] }, "outcomes.0.ends is 1 instead of 2"],
    ["an outcome too many", {}, { outcomes: [] }, "outcomes has 1 entries instead of 0"],
    ["an outcome that is missing", {}, { outcomes: [...outcomes, {}] }, "outcomes.1 is undefined"],
    ["a success instead of an error", {}, { outcomes: [{ error: {} }] }, "outcomes.0.error is"],
    ["another answer", {}, { answers: [{ id: "0" }] }, 'answers.0.id is 0 instead of "0"'],
    ["no answer", {}, { answers: [{ id: 0 }, { id: 1 }] }, "answers.1 is undefined"],
    ["another order", {}, { received: ["(answer)", "turn/start"] }, "received.0 is"],
    ["a message that must not be", {}, { neverReceived: ["turn/start"] }, "turn/start was sent"],
    [
      "other params",
      {},
      { sent: { method: "turn/start", params: { threadId: "b" } } },
      'turn/start.threadId is "a" instead of "b"',
    ],
    ["a process that is left", { alive: 1 }, {}, "1 processes are left instead of 0"],
    ["a host that ended", { broken: "the host process ended" }, {}, "the host process ended"],
    [
      "a long time",
      { report: { ...report, ms: usualLimitMs + 1 } },
      {},
      `it took ${usualLimitMs + 1} ms`,
    ],
    ["a handle", { report: { ...report, left: ["1 × timer"] } }, {}, "1 × timer left open"],
    [
      "a warning",
      { report: { ...report, warnings: ["MaxListenersExceededWarning"] } },
      {},
      "Node.js gave a MaxListenersExceededWarning",
    ],
  ])("%s", (_, changes, expectation, problem) => {
    expect(problems(changes, expectation)).toContainEqual(expect.stringContaining(problem));
  });
});
