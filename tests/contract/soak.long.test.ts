import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { SoakReport } from "../soak/run-soak.js";
import { compileProgram } from "../support/compile-program.js";

const soak = await compileProgram(new URL("../soak/index.ts", import.meta.url));
const node = ["--expose-gc", "--unhandled-rejections=strict", soak];

const none = { turns: 0, "real-turns": 0, losses: 0 };
const nothingLeft = {
  timers: 0,
  "listeners of the shared signal": 0,
  "threads with followed turns": 0,
  "threads that run": 0,
  "open requests": 0,
};

async function run(sizes: Partial<typeof none>, ...args: string[]): Promise<SoakReport[]> {
  const given = Object.entries({ ...none, ...sizes }).flatMap(([name, n]) => [`--${name}`, `${n}`]);
  const all = [...node, "--json", ...given, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  return Object.values(JSON.parse(stdout) as Record<string, SoakReport>);
}

test("after 300 turns of all ways, there is no more of anything than before them", async () => {
  const [report] = await run({ turns: 300 });
  expect(report).toMatchObject({ turns: 300, grown: [], end: nothingLeft });
  expect(Math.min(...Object.values(report?.ways ?? {}))).toBeGreaterThanOrEqual(15);
}, 240_000);

test("nor after a server has died, and a socket was cut, again and again", async () => {
  const reports = await run({ losses: 12 });
  expect(reports).toHaveLength(2);
  for (const report of reports) {
    expect(report).toMatchObject({ turns: 12, grown: [], end: nothingLeft });
    expect(Math.min(...Object.values(report.ways))).toBe(4);
  }
}, 240_000);

test("what is left behind is found", async () => {
  const kept = run({ turns: 100 }, "--leak");
  await expect(kept).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /more than there was of: .*shared signal, .*turn handles alive, turns alive/,
    ) as unknown,
  });
}, 240_000);

test("so are the clients of servers that have died", async () => {
  const kept = run({ losses: 12 }, "--leak");
  await expect(kept).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /Server that dies: there is more than there was of: connections alive/,
    ) as unknown,
  });
}, 240_000);
