import type { Rule } from "../../errors/check-values.js";

/** For how long a store keeps what nobody touches any more. Nothing is kept for ever. */
export interface KeepTimes {
  /**
   * The stream of a turn whose writer says nothing any more and has not ended it, since it died (ms; default 1 day).
   * Each event begins the time anew, so it must be longer than a turn may be silent.
   */
  readonly keepSilentStreamsMs?: number | undefined;
  /**
   * The mark, the commands and the notes of a job that nobody has let be forgotten (ms; default 30 days). Without its
   * mark a job would run once more, so it must be longer than a job may wait.
   */
  readonly keepJobsMs?: number | undefined;
  /** A thread's owner, host and line (ms; default 1 year). Each turn begins the time anew. */
  readonly keepThreadsMs?: number | undefined;
}

const day = 24 * 60 * 60 * 1_000;

const rule: Rule = {
  fits: (value) => typeof value === "number" && value >= 1 && value <= 10_000 * day,
  problem: "must be a number of milliseconds, 1 or more",
};

export const keepTimesRules = {
  keepSilentStreamsMs: rule,
  keepJobsMs: rule,
  keepThreadsMs: rule,
};

/** The times with their defaults (whole ms), once they are checked. */
export function readKeepTimes(options: KeepTimes): Required<{ [Name in keyof KeepTimes]: number }> {
  const { keepSilentStreamsMs = day, keepJobsMs = 30 * day, keepThreadsMs = 365 * day } = options;
  return {
    keepSilentStreamsMs: Math.ceil(keepSilentStreamsMs),
    keepJobsMs: Math.ceil(keepJobsMs),
    keepThreadsMs: Math.ceil(keepThreadsMs),
  };
}
