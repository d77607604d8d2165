import { turnStartParamsKeys } from "../../generated/methods.js";
import { checkFields, oneOf } from "../errors/check-values.js";
import { pickKeys, withoutKeys } from "../errors/check-options.js";
import type {
  ServiceTurnOptions,
  TurnControls,
  TurnOptions,
  TurnStartSettings,
} from "./turn-options.js";
import { handlersIn, type RequestHandlers } from "../server-requests/handlers.js";
import { toOutputFormat, type OutputFormat } from "../schema/output-format.js";
import { checkTurnOptions, turnControlRules } from "./option-keys.js";
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
