import { test } from "@jest/globals";
import { deepStrictEqual, ok } from "node:assert/strict";
import * as fc from "fast-check";
import { configArgs, type ConfigObject } from "../../lib/runtime/config-args.js";
import { readAssignments, type TomlTree } from "../support/toml-reader.js";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", " ", '"', "\\", "a.b", '"a".b', "\u0000\u001f\u007f\u0085\u2028\ufeff", "#x"),
  fc.constantFrom("'''", '"""', "\\u0041", "\r\n\t", "𝛼😀", "true", "1", "-c", "=", "[a]", "{}"),
);
const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toString", "a-b_1"));
const topKey = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,8}$/);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 1e21, -1e300, 2 ** 63, -(2 ** 63), 5e-324, 0.1, Number.MAX_SAFE_INTEGER),
);

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "value" },
    text,
    number,
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  ),
}));
const config = fc.dictionary(topKey, value, { maxKeys: 6 }) as fc.Arbitrary<ConfigObject>;

test("what a configuration says, its arguments say, to a reader that knows nothing of the writer", () => {
  fc.assert(
    fc.property(config, (given) => {
      const args = configArgs(given);
      const assignments = args.filter((_, index) => index % 2 === 1);
      deepStrictEqual(
        args.filter((_, index) => index % 2 === 0),
        assignments.map(() => "-c"),
      );
      deepStrictEqual(readAssignments(assignments), toTree(given));
    }),
    { numRuns: 400 },
  );
});

test("no argument has a character in it that ends a line, or that a terminal acts upon", () => {
  fc.assert(
    fc.property(config, (given) => {
      for (const arg of configArgs(given))
        ok(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(arg));
    }),
    { numRuns: 200 },
  );
});

/** The same without prototypes and without the difference between 0 and -0, which TOML's integers lack. */
function toTree(given: unknown): TomlTree {
  if (Array.isArray(given)) return given.map(toTree);
  if (typeof given === "object" && given !== null) {
    return new Map(
      Object.entries(given)
        .map(([name, inner]) => [name, toTree(inner)] as const)
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  }
  return given === 0 ? 0 : (given as TomlTree);
}
