import { runFresh, type Cost } from "./fresh-process.js";
import type { Scenario } from "./scenarios.js";

/** The medians over all rounds. */
export interface Result {
  readonly contender: string;
  /** Per operation, in the scenario's unit. */
  readonly time: number;
  /** Per operation, in the scenario's unit. */
  readonly cpu: number;
  /** The time compared with the baseline's in the same round. */
  readonly ratio: number;
  /** The CPU time compared with the baseline's in the same round. */
  readonly cpuRatio: number;
  readonly peakMiB: number;
  readonly runs: readonly Cost[];
}

const fewestRounds = 3;

/**
 * Runs the contenders in turn, A B C A B C, so that a machine that gets busier hits all alike. Past
 * `deadline` (as of `Date.now()`) it makes do with three rounds.
 */
export async function runScenario(
  scenario: Scenario,
  env: NodeJS.ProcessEnv,
  deadline: number,
): Promise<readonly Result[]> {
  const { contenders, rounds, messages } = scenario;
  const runs = contenders.map((): Cost[] => []);
  for (let round = 0; round < rounds; round += 1) {
    if (round >= fewestRounds && Date.now() > deadline) break;
    for (const [index, contender] of contenders.entries()) {
      const cost = await runFresh(contender, env);
      if (messages !== undefined && (cost.messages ?? messages) !== messages) {
        throw new Error(`${contender.name} saw ${String(cost.messages)} of ${messages} messages.`);
      }
      runs[index]?.push(cost);
    }
  }
  return summarize(scenario, runs);
}

function summarize(scenario: Scenario, runs: readonly Cost[][]): readonly Result[] {
  const { contenders, baseline, operations, unit } = scenario;
  const scale = (unit === "µs" ? 1_000 : 1) / operations;
  const base = runs[contenders.findIndex(({ name }) => name === baseline)] ?? [];
  const against = (own: readonly Cost[], key: "ms" | "cpuMs"): number =>
    median(own.map((cost, round) => cost[key] / (base[round]?.[key] ?? NaN)));
  return contenders.map(({ name }, index) => {
    const own = runs[index] ?? [];
    return {
      contender: name,
      time: median(own.map(({ ms }) => ms)) * scale,
      cpu: median(own.map(({ cpuMs }) => cpuMs)) * scale,
      ratio: against(own, "ms"),
      cpuRatio: against(own, "cpuMs"),
      peakMiB: median(own.map(({ peakMiB }) => peakMiB)),
      runs: own,
    };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? NaN)) / 2 : upper;
}
