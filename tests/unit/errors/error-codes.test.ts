import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import * as library from "../../../lib/index.js";
import { errorExamples } from "../../support/error-examples.js";

const entries = Object.entries(errorExamples).map(([code, error]) => ({ code, error }));

test.each(entries)("$code is the code of the class that declares it", ({ code, error }) => {
  expect(error.code).toBe(code);
  expect(error.name).toBe(error.constructor.name);
});

/** They are never thrown themselves. */
const bases: readonly unknown[] = [
  library.ResultError,
  library.RunFailedError,
  library.RunTimeoutError,
];

test("every class that is exported has a code of its own, and every code a class", () => {
  const exported = Object.values(library).filter(
    (value) => typeof value === "function" && value.prototype instanceof library.AppServerError,
  );
  const known = new Set<unknown>(entries.map(({ error }) => error.constructor));
  expect(exported.filter((each) => !known.has(each))).toEqual(bases);
  expect(known.size).toBe(entries.length);
});

test("what has a result is a ResultError, which prints it nowhere", () => {
  const withResult = entries.filter(({ error }) => "result" in error);
  expect(withResult.map(({ code }) => code)).toEqual(
    expect.arrayContaining(["COMMAND_FAILED", "GOAL_STALLED", "TURN_FAILED", "TURN_TIMEOUT"]),
  );
  for (const { error } of withResult) {
    // Of a job of the fleet there may be no result.
    if (!(error instanceof library.TurnJobFailedError)) {
      expect(error).toBeInstanceOf(library.ResultError);
    }
    expect(Object.keys(error)).not.toContain("result");
  }
});

describe("the table in docs/errors.md", () => {
  const rows = readFileSync("docs/errors.md", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, code, name] = /^\| `([A-Z_]+)` +\| `(\w+)` +\|/.exec(line) ?? [];
      return code === undefined || name === undefined ? [] : [[code, name] as const];
    });

  test("has each code once, with its class, in the order of the alphabet", () => {
    const expected = entries.map(({ code, error }) => [code, error.constructor.name] as const);
    const byCode = (
      [one]: readonly [string, string],
      [other]: readonly [string, string],
    ): number => (one < other ? -1 : 1);
    expect(rows).toEqual(expected.sort(byCode));
  });

  test("says of each what has happened and what to do", () => {
    const text = readFileSync("docs/errors.md", "utf8");
    const cells = text.split("\n").filter((line) => /^\| `[A-Z_]+`/.test(line));
    expect(cells).toHaveLength(entries.length);
    for (const line of cells) expect(line).toMatch(/^(\| [^|]*\S[^|]* ){4}\|$/);
  });
});
