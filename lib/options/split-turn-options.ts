import { turnStartParamsKeys } from "../../generated/methods.js";
import { pickKeys, withoutKeys } from "../errors/check-options.js";
import type {
  ServiceTurnOptions,
  TurnControls,
  TurnOptions,
  TurnStartSettings,
} from "./turn-options.js";
import { splitHandlers, type RequestHandlers } from "../server-requests/handlers.js";
import { toOutputFormat, type OutputFormat } from "../schema/output-format.js";
import { checkTurnOptions } from "./option-keys.js";
import type { JsonValue } from "../../generated/types.js";
import { checkTrace } from "../jsonrpc/trace-context.js";
import { checkSignal } from "./checks.js";
import { withReadableImages } from "./readable-images.js";
import { sandboxIn } from "./sandbox-options.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

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
  const { handlers, rest: others } = splitHandlers(options);
  const { signal, timeoutMs, idleTimeoutMs, onBreak, maxBacklogBytes, whenBusy, trace, ...asked } =
    others;
  const { outputSchema } = asked;
  checkSignal(signal);
  checkMs("timeoutMs", timeoutMs);
  checkMs("idleTimeoutMs", idleTimeoutMs);
  checkMaxBacklogBytes(maxBacklogBytes);
  checkTrace(trace);
  checkChoice("onBreak", onBreak, ["interrupt", "detach"]);
  checkChoice("whenBusy", whenBusy, ["queue", "steer", "reject"]);
  const output =
    outputSchema === undefined || outputSchema === null ? undefined : toOutputFormat(outputSchema);
  const settings = {
    ...pickKeys(asked, settingKeys),
    ...(asked.toolOutput && { toolOutput: withReadableImages(asked.toolOutput, "toolOutput") }),
    ...sandboxIn(asked),
    ...(outputSchema === undefined ? {} : { outputSchema: (output?.schema ?? null) as JsonValue }),
  };
  const controls = { signal, timeoutMs, idleTimeoutMs, onBreak, maxBacklogBytes, whenBusy, trace };
  return { controls, handlers, settings, output };
}

/** Splits the options of a turn that takes no settings; its caller has checked which options there are. */
export function splitServiceOptions(
  options: ServiceTurnOptions,
): Pick<SplitOptions, "controls" | "handlers"> {
  checkChoice("whenBusy", options.whenBusy, ["queue", "reject"]);
  const { controls, handlers } = split(options);
  return { controls, handlers };
}

function checkMs(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  throw new InvalidArgumentError(name, "must be a positive number of milliseconds");
}

function checkChoice(name: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) {
    const quoted = choices.map((choice) => JSON.stringify(choice)).join(", ");
    throw new InvalidArgumentError(name, `must be one of ${quoted}`);
  }
}

/** @throws InvalidArgumentError */
export function checkMaxBacklogBytes(value: unknown): void {
  if (value === undefined || (typeof value === "number" && value > 0)) return;
  throw new InvalidArgumentError("maxBacklogBytes", "must be a positive number of bytes");
}
