import type { RequestHandlers } from "../server-requests/handlers.js";
import type { GoalOptions, GoalSettings } from "./goal-options.js";
import { splitServiceOptions } from "./split-turn-options.js";
import { checkGoalRunOptions } from "./option-keys.js";
import type { TurnControls } from "./turn-options.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

interface SplitGoal {
  readonly settings: GoalSettings;
  readonly controls: TurnControls;
  readonly handlers: RequestHandlers | undefined;
}

/**
 * Separates what the library needs from what the server gets, and checks both.
 *
 * @throws InvalidArgumentError
 */
export function splitGoalOptions(objective: string, options: GoalOptions): SplitGoal {
  checkGoalRunOptions(options);
  const { tokenBudget, origin, ...rest } = options;
  // Without an objective the server would change the goal that is there.
  const given: unknown = objective;
  checkObjective(given ?? "");
  checkBudget(tokenBudget);
  const { controls, handlers } = splitServiceOptions(rest);
  return { settings: { objective, tokenBudget, origin }, controls, handlers };
}

/** The server's limit for an objective; spaces around it do not count. */
const maxObjectiveCharacters = 4_000;
export function checkObjective(objective: unknown): void {
  if (objective === undefined || objective === null) return;
  if (typeof objective !== "string" || objective.trim() === "") {
    throw new InvalidArgumentError("objective", "must be a string that is not blank");
  }
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

export function checkBudget(budget: unknown): void {
  if (budget === undefined || budget === null) return;
  if (Number.isSafeInteger(budget) && (budget as number) > 0) return;
  throw new InvalidArgumentError("tokenBudget", "must be a whole number of tokens, 1 or more");
}
