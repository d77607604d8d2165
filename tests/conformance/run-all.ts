import { type Area, areas } from "./areas.js";
import { ConformanceHost } from "./conformance-host.js";
import { describeOutcomes } from "./describe-outcome.js";
import type { Scenario } from "./scenario.js";

interface Row {
  readonly scenario: Scenario;
  readonly problems: readonly string[];
  readonly ours: string;
  readonly ms: number | undefined;
}

/** How many areas are run beside each other: most scenarios wait more than they work. */
const atOnce = 2;

/** Runs the scenarios whose name contains `only`, and prints each area when it is done. */
export async function runAll(
  only: string,
): Promise<{ count: number; failed: number; seconds: number }> {
  const begin = performance.now();
  const waiting = Object.keys(areas) as Area[];
  const rows: Row[] = [];
  const worker = async () => {
    for (let area = waiting.shift(); area; area = waiting.shift()) {
      const done = await runArea(area, only);
      if (done.length > 0) console.log(`\n${area}\n${done.map(lineOf).join("\n")}`);
      rows.push(...done);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const failed = rows.filter(({ problems }) => problems.length > 0).length;
  return { count: rows.length, failed, seconds: Math.round((performance.now() - begin) / 1_000) };
}

async function runArea(area: Area, only: string): Promise<Row[]> {
  const host = new ConformanceHost();
  const rows: Row[] = [];
  for (const scenario of areas[area]) {
    if (!scenario.name.includes(only)) continue;
    const { problems, report } = await host.run(scenario);
    const ours = report ? describeOutcomes(report.outcomes) : "";
    rows.push({ scenario, problems, ours, ms: report?.ms });
  }
  const { exitCode, stderr } = await host.end();
  const last = rows.at(-1);
  if (exitCode === 0 && stderr === "") return rows;
  if (!last) throw new Error(`a host process without a scenario ended with ${String(exitCode)}`);
  const problem = `the host process did not end by itself: ${stderr || String(exitCode)}`;
  return [...rows.slice(0, -1), { ...last, problems: [...last.problems, problem] }];
}

function lineOf({ scenario, problems, ours, ms }: Row): string {
  const { name, server, client } = scenario;
  const verdict = problems.length === 0 ? "ok  " : "FAIL";
  const time = ms === undefined ? "" : `${ms} ms`;
  return [
    `  ${verdict} ${name} | ${server} | ${client} | ${ours || "as it must"} | ${time}`,
    ...problems.map((problem) => `         ${problem}`),
  ].join("\n");
}
