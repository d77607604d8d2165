import { expect, test } from "@jest/globals";
import { roughBytes } from "../../../lib/async/rough-bytes.js";

test("text counts, wherever it is, and so does each value", () => {
  const text = "x".repeat(1_000);
  expect(roughBytes({})).toBeGreaterThan(0);
  for (const value of [text, [text], { text }, { a: [null, { text }, 1] }]) {
    expect(roughBytes(value)).toBeGreaterThan(1_000);
    expect(roughBytes(value)).toBeLessThan(1_300);
  }
  expect(roughBytes(new Array(1_000).fill(0))).toBeGreaterThan(8_000);
});

test("neither depth nor width is too much for it", () => {
  let deep: unknown = "x".repeat(1_000);
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
  expect(roughBytes(deep)).toBeGreaterThan(101_000);
  expect(roughBytes(new Array(1_000_000).fill("x"))).toBeGreaterThan(1_000_000);
});
