import { turnStartParamsKeys } from "../../generated/methods.js";
import { check, checkFields, notBlank, oneOf, whole, type Rule } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { GoalOptions, GoalSettings } from "./goal-options.js";
import { pickKeys, withInherited, withoutKeys } from "../errors/check-options.js";
import type {
  AttachTurnOptions,
  ServiceTurnOptions,
  TurnControls,
  TurnOptions,
  TurnStartSettings,
} from "./turn-options.js";
import { handlersIn, type RequestHandlers } from "../server-requests/handlers.js";
import { toOutputFormat, type OutputFormat } from "../schema/output-format.js";
import {
  attachTurnKeys,
  checkTurnOptions,
  checkWithoutSettings,
  goalKeys,
  turnControlRules,
} from "./option-keys.js";
import type { JsonValue } from "../../generated/types.js";
import { checkTrace } from "../jsonrpc/trace-context.js";
import { withReadableImages } from "./readable-images.js";
import { sandboxIn } from "./sandbox-options.js";

const settingKeys = withoutKeys(
  turnStartParamsKeys,
  "threadId",
  "input",
  "sandboxPolicy",
  "outputSchema",
);

interface SplitOptions {
  controls: TurnControls;
  handlers: RequestHandlers | undefined;
  settings: TurnStartSettings;
  /** How to read the answer; undefined when it is plain text. */
  output: OutputFormat | undefined;
}

/** Separates what the library needs from what the server gets, and checks the former. */
export function splitTurnOptions(options: TurnOptions): SplitOptions {
  return split(checkTurnOptions(options));
}

function split(options: TurnOptions & Pick<TurnStartSettings, "sandboxPolicy">): SplitOptions {
  const handlers = handlersIn(options);
  const { signal, timeoutMs, idleTimeoutMs, onBreak, maxBacklogBytes, whenBusy, trace } = options;
  const { outputSchema, toolOutput } = options;
  checkFields(options, turnControlRules);
  checkTrace(trace);
  const output =
    outputSchema === undefined || outputSchema === null ? undefined : toOutputFormat(outputSchema);
  const settings = {
    ...pickKeys(options, settingKeys),
    ...(toolOutput && { toolOutput: withReadableImages(toolOutput, "toolOutput") }),
    ...sandboxIn(options),
    ...(outputSchema === undefined ? {} : { outputSchema: (output?.schema ?? null) as JsonValue }),
  };
  const controls = { signal, timeoutMs, idleTimeoutMs, onBreak, maxBacklogBytes, whenBusy, trace };
  return { controls, handlers, settings, output };
}

/** Splits the options of a turn that takes no settings; its caller has checked which options there are. */
export function splitServiceOptions(
  options: ServiceTurnOptions,
): Pick<SplitOptions, "controls" | "handlers"> {
  checkFields(options, { whenBusy: oneOf("queue", "reject") });
  const { controls, handlers } = split(options);
  return { controls, handlers };
}

/**
 * Splits and checks the options of a turn that somebody else has started.
 *
 * @throws InvalidArgumentError
 */
export function splitAttachOptions(options: AttachTurnOptions): Omit<SplitOptions, "settings"> {
  checkWithoutSettings("attachTurn()", options, attachTurnKeys);
  const { controls, handlers, output } = split(withInherited(options, attachTurnKeys));
  // Whoever attaches must not stop by mistake what somebody else has started.
  return { controls: { ...controls, onBreak: controls.onBreak ?? "detach" }, handlers, output };
}

/**
 * The same for a goal; both are checked.
 *
 * @throws InvalidArgumentError
 */
export function splitGoalOptions(objective: string, options: GoalOptions) {
  checkWithoutSettings("runGoal()", options, goalKeys);
  const { tokenBudget, origin, ...rest } = options;
  // Without an objective the server would change the goal that is there.
  const given: unknown = objective;
  checkGoal({ objective: given ?? "", tokenBudget });
  const settings: GoalSettings = { objective, tokenBudget, origin };
  return { settings, ...splitServiceOptions(rest) };
}

/** The server's limit for an objective; spaces around it do not count. */
const maxObjectiveCharacters = 4_000;
const tokens: Rule = { ...whole(1), problem: "must be a whole number of tokens, 1 or more" };

/** @throws InvalidArgumentError for an objective or a budget that the server would refuse. */
export function checkGoal(goal: { objective?: unknown; tokenBudget?: unknown }): void {
  const { objective, tokenBudget } = goal;
  check("tokenBudget", tokenBudget ?? 1, tokens);
  if (objective === undefined || objective === null) return;
  check("objective", objective, notBlank);
  const text = (objective as string).trim();
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
