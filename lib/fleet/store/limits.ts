import type { Rule } from "../../errors/check-values.js";

/** As many commands of a job may wait for their outcome. */
export const maxOpenCommands = 1_000;

/** As many outcomes of a job's commands are kept, the newest ones. */
export const maxOutcomes = 1_000;

/** For a time that a database counts (ms). */
export const duration: Rule = {
  fits: (value) => typeof value === "number" && value >= 0 && value <= 1e12,
  problem: "must be a number of milliseconds, 0 or more",
};
