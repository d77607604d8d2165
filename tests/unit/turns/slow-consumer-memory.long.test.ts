import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { compileProgram } from "../../support/compile-program.js";

const many = await compileProgram(new URL("many-slow-consumers-host.ts", import.meta.url));
const host = await compileProgram(new URL("slow-consumer-host.ts", import.meta.url));

interface Report {
  readonly status: string;
  readonly texts: number;
  readonly inOrder: boolean;
  readonly read: number;
  readonly readBeforeEnd: number;
  readonly growthMiB: number;
}

interface ManyReport {
  readonly completed: number;
  readonly read: number;
  readonly newest: number;
  readonly cutOff: number;
  readonly others: number;
}

/** Forty turns whose events nobody reads in time, 40 kB each, in a process with a small heap. */
async function forty(method: string, eventCount: number): Promise<ManyReport> {
  const node = ["--max-old-space-size=192", many, method, `${eventCount}`];
  const { stdout } = await promisify(execFile)(process.execPath, node);
  return JSON.parse(stdout) as ManyReport;
}

test("forty turns, of each many diffs that nobody reads in time, fit into a small heap: the newest wait", async () => {
  const report = await forty("turn/diff/updated", 300);
  expect(report).toMatchObject({ completed: 40, newest: 40, cutOff: 0, others: 0 });
  expect(report.read).toBeLessThan(40 * 10);
}, 240_000);

test("of what no newer one supersedes, as much waits as maxTotalBacklogBytes says; turns have their results", async () => {
  const report = await forty("item/novel", 200);
  expect(report).toMatchObject({ completed: 40, others: 0 });
  // Eight megabytes of each would fit for eight turns, and forty came.
  expect(report.newest).toBeGreaterThanOrEqual(4);
  expect(report.newest + report.cutOff).toBe(40);
}, 240_000);

test("a million deltas cost a slow consumer less than 100 MB, and none of the text", async () => {
  const node = ["--expose-gc", host];
  const { stdout } = await promisify(execFile)(process.execPath, node);
  const report = JSON.parse(stdout) as Report;
  expect(report).toMatchObject({ status: "completed", texts: 1_000_000, inOrder: true });
  // It was slow, and has waited with the rest until the end.
  expect(report.readBeforeEnd).toBe(1_000);
  expect(report.read).toBeLessThan(5_000);
  expect(report.growthMiB).toBeLessThan(90);
}, 240_000);
