import { runFresh, type Cost, type Surroundings } from "./fresh-process.js";
import type { Scenario, Unit } from "./scenario.js";

/** The medians over all rounds. */
export interface Result {
  readonly contender: string;
  /** What the scenario measures: per operation, in its unit. */
  readonly figure: number;
  /** CPU time per operation, in the scenario's unit, or in ms where that is no time. */
  readonly cpu: number;
  /** The figure compared with the baseline's in the same round. */
  readonly ratio: number;
  /** The figure less the baseline's in the same round. */
  readonly difference: number;
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
  surroundings: Surroundings,
  deadline: number,
): Promise<readonly Result[]> {
  const { contenders, rounds, messages } = scenario;
  const runs = contenders.map((): Cost[] => []);
  for (let round = 0; round < rounds; round += 1) {
    if (round >= fewestRounds && Date.now() > deadline) break;
    for (const [index, contender] of contenders.entries()) {
      const cost = await runFresh(contender, surroundings);
      if (messages !== undefined && (cost.messages ?? messages) !== messages) {
        throw new Error(`${contender.name} saw ${String(cost.messages)} of ${messages} messages.`);
      }
      runs[index]?.push(cost);
    }
    checkTexts(
      contenders,
      runs.map((own) => own.at(-1)),
    );
  }
  return summarize(scenario, runs);
}

/** All of them must have seen the same text. */
function checkTexts(
  contenders: Scenario["contenders"],
  costs: readonly (Cost | undefined)[],
): void {
  const [seen] = costs.flatMap((cost) => cost?.characters ?? []);
  for (const [index, { name }] of contenders.entries()) {
    const own = costs[index]?.characters ?? seen;
    if (own !== seen) throw new Error(`${name} saw ${String(own)} of ${String(seen)} characters.`);
  }
}

function summarize(scenario: Scenario, runs: readonly Cost[][]): readonly Result[] {
  const { contenders, baseline, operations, unit } = scenario;
  const figure = (cost: Cost): number => figureOf(cost, unit) / operations;
  const cpu = ({ cpuMs }: Cost): number => (cpuMs / operations) * (unit === "µs" ? 1_000 : 1);
  const base = runs[contenders.findIndex(({ name }) => name === baseline)] ?? [];
  return contenders.map(({ name }, index) => {
    const own = runs[index] ?? [];
    const rounds = own.flatMap((cost, round) => {
      const other = base[round];
      return other ? [{ cost, other }] : [];
    });
    return {
      contender: name,
      figure: median(own.map(figure)),
      cpu: median(own.map(cpu)),
      ratio: median(rounds.map(({ cost, other }) => figure(cost) / figure(other))),
      difference: median(rounds.map(({ cost, other }) => figure(cost) - figure(other))),
      cpuRatio: median(rounds.map(({ cost, other }) => cost.cpuMs / other.cpuMs)),
      peakMiB: median(own.map(({ peakMiB }) => peakMiB)),
      runs: own,
    };
  });
}

function figureOf(cost: Cost, unit: Unit): number {
  switch (unit) {
    case "µs":
      return cost.ms * 1_000;
    case "ms":
      return cost.ms;
    case "KiB":
      return cost.heapKiB ?? NaN;
    case "MiB":
      return cost.treeMiB ?? NaN;
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? NaN)) / 2 : upper;
}
