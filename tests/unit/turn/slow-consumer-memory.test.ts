import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { compileProgram } from "../../support/compile-program.js";

const host = await compileProgram(new URL("slow-consumer-host.ts", import.meta.url));

interface Report {
  readonly status: string;
  readonly texts: number;
  readonly inOrder: boolean;
  readonly read: number;
  readonly readBeforeEnd: number;
  readonly growthMiB: number;
}

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
