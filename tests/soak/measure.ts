import { allowed, type Census, type CensusKey } from "./census.js";

/** What there was before so many turns, halfway, and after them. */
export interface Measured {
  readonly turns: number;
  readonly seconds: number;
  readonly start: Census;
  readonly half: Census;
  readonly end: Census;
  /** What was more at the end than it may be. */
  readonly grown: readonly CensusKey[];
}

/**
 * Counts after a warm-up of a fifth of the turns, and not less than `least`, and from then on.
 * `workUntil` works until so many turns have begun in all.
 */
export async function measure(
  turns: number,
  least: number,
  workUntil: (begun: number) => Promise<Census>,
): Promise<Measured> {
  const warmUp = Math.max(least, Math.floor(turns / 5));
  const start = await workUntil(warmUp);
  const from = performance.now();
  const half = await workUntil(warmUp + Math.floor(turns / 2));
  const end = await workUntil(warmUp + turns);
  const seconds = (performance.now() - from) / 1_000;
  const keys = Object.keys(allowed) as CensusKey[];
  const grown = keys.filter((key) => end[key] - start[key] > allowed[key]);
  return { turns, seconds, start, half, end, grown };
}
