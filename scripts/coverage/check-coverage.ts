import { isReal, touches } from "./choose-test.js";
import { keyOf, type CoverageRow } from "./coverage-table.js";
import type { TestFile } from "./recordings.js";

/**
 * What is wrong with the committed table, a line each: a method that it does not list, a test file
 * that is gone or did not touch the method when it ran last, a gap that nobody has explained.
 */
export function checkCoverage(
  rows: readonly CoverageRow[],
  committed: ReadonlyMap<string, string | undefined>,
  files: readonly TestFile[],
): string[] {
  const keys = new Set(rows.map(keyOf));
  const gone = [...committed.keys()].filter((key) => !keys.has(key));
  return [
    ...gone.map((key) => `it lists ${key}, which the protocol does not have`),
    ...rows.flatMap((row) => {
      const key = keyOf(row);
      if (!committed.has(key)) return [`it does not list ${key}`];
      const named = committed.get(key);
      if (!isReal(named) && row.reason === undefined) {
        return [`${key}: no real test, and no reason in not-real.ts`];
      }
      if (named === undefined) return [];
      const file = files.find((one) => one.file === named);
      if (!file) return [`${key}: ${named} did not run, or does not exist`];
      return touches(file, row) ? [] : [`${key}: ${named} did not touch it`];
    }),
  ];
}
