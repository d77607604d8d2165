import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { SoakReport } from "../../scripts/soak/run-soak.js";

const soak = fileURLToPath(new URL("../../scripts/soak/index.ts", import.meta.url));
const node = ["--expose-gc", "--unhandled-rejections=strict", "--import", "tsx", soak];

async function run(...args: string[]): Promise<SoakReport> {
  const { stdout } = await promisify(execFile)(process.execPath, [...node, "--json", ...args]);
  const [report] = Object.values(JSON.parse(stdout) as Record<string, SoakReport>);
  if (!report) throw new Error("there is no report");
  return report;
}

test("after 300 turns of all ways, there is no more of anything than before them", async () => {
  const report = await run("--turns", "300", "--real-turns", "0");
  expect(report.grown).toEqual([]);
  expect(report.turns).toBe(300);
  expect(Math.min(...Object.values(report.ways))).toBeGreaterThanOrEqual(15);
  expect(report.end).toMatchObject({
    timers: 0,
    "listeners of the shared signal": 0,
    "threads with followed turns": 0,
    "threads that run": 0,
    "open requests": 0,
  });
}, 240_000);

test("what is left behind is found", async () => {
  const kept = run("--turns", "100", "--real-turns", "0", "--leak");
  await expect(kept).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /more than there was of: .*shared signal, .*turn handles alive, turns alive/,
    ) as unknown,
  });
}, 240_000);
