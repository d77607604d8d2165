import { check, notBlank, whole, type Rule } from "../errors/check-values.js";
import type { GoalOptions, GoalSettings, SetGoalOptions } from "./goal-options.js";
import { splitServiceOptions } from "./split-turn-options.js";
import { checkWithoutSettings, goalKeys } from "./option-keys.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

/**
 * Separates what the library needs from what the server gets, and checks both.
 *
 * @throws InvalidArgumentError
 */
export function splitGoalOptions(objective: string, options: GoalOptions) {
  checkWithoutSettings("runGoal()", options, goalKeys);
  const { tokenBudget, origin, ...rest } = options;
  // Without an objective the server would change the goal that is there.
  checkGoal({ objective: (objective as string | undefined) ?? "", tokenBudget });
  const settings: GoalSettings = { objective, tokenBudget, origin };
  return { settings, ...splitServiceOptions(rest) };
}

/** The server's limit for an objective; spaces around it do not count. */
const maxObjectiveCharacters = 4_000;
const tokens: Rule = { ...whole(1), problem: "must be a whole number of tokens, 1 or more" };

/** @throws InvalidArgumentError for an objective or a budget that the server would refuse. */
export function checkGoal({ objective, tokenBudget }: Omit<SetGoalOptions, "trace">): void {
  check("tokenBudget", tokenBudget ?? 1, tokens);
  if (objective === undefined || objective === null) return;
  check("objective", objective, notBlank);
  const text = objective.trim();
  // The server counts code points, of which one or two UTF-16 units make one.
  const isTooLong =
    text.length > 2 * maxObjectiveCharacters || Array.from(text).length > maxObjectiveCharacters;
  if (isTooLong) {
    throw new InvalidArgumentError(
      "objective",
      `must have at most ${maxObjectiveCharacters} characters; put the rest in a file it names`,
    );
  }
}
