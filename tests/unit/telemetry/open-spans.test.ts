import { expect, test } from "@jest/globals";
import { OpenSpans } from "../../../lib/telemetry/open-spans.js";

test("of operations that never end a bounded number is kept: the oldest are ended, and forgotten", () => {
  const open = new OpenSpans();
  const ended: number[] = [];
  const spans = Array.from({ length: 10_050 }, (_, n) => ({ cutShort: () => void ended.push(n) }));
  for (const span of spans) open.add(span);
  expect(open.size).toBe(10_000);
  expect(ended).toEqual(Array.from({ length: 50 }, (_, n) => n));
  for (const span of spans.slice(60)) open.delete(span);
  open.endAll();
  expect(open.size).toBe(0);
  expect(ended).toHaveLength(60);
});
