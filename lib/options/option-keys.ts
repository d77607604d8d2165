import {
  threadForkParamsKeys,
  threadForkResponseKeys,
  threadResumeParamsKeys,
  threadResumeResponseKeys,
  threadSettingsKeys,
  threadSettingsUpdateParamsKeys,
  threadStartParamsKeys,
  threadStartResponseKeys,
  turnStartParamsKeys,
} from "../../generated/methods.js";
import {
  checkOptions,
  withInherited,
  withoutKeys,
  type Keys,
  type KeysOf,
} from "../errors/check-options.js";
import {
  checkApprovalPolicy,
  checkConfiguredSafety,
  checkSandboxMode,
} from "../errors/check-safety.js";
import {
  abortSignal,
  anything,
  bytes,
  milliseconds,
  oneOf,
  type RulesOf,
} from "../errors/check-values.js";
import { clientRequestHandlerKeys, requestHandlerKeys } from "../server-requests/handlers.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import type { GoalOptions } from "./goal-options.js";
import type {
  ForkThreadOptions,
  ResumeThreadOptions,
  StartThreadOptions,
  UpdateSettingsOptions,
} from "./thread-options.js";
import type { BoundTools } from "../tools/tool.js";
import type {
  AttachTurnOptions,
  RunOptions,
  ServiceTurnOptions,
  TurnControls,
  TurnOptions,
} from "./turn-options.js";

// The options of the calls of threads and turns. TypeScript refuses a list that lacks an option.

export const startThreadKeys: KeysOf<StartThreadOptions> = {
  ...threadStartParamsKeys,
  ...requestHandlerKeys,
  tools: true,
  trace: true,
  trustProject: true,
};

export const threadHandleKeys: KeysOf<RequestHandlers & BoundTools> = {
  ...requestHandlerKeys,
  tools: true,
};

export const resumeThreadKeys: KeysOf<ResumeThreadOptions> = {
  ...threadResumeParamsKeys,
  ...threadHandleKeys,
  trace: true,
};

export const forkThreadKeys: KeysOf<ForkThreadOptions> = {
  ...threadForkParamsKeys,
  ...threadHandleKeys,
  trace: true,
};

/** The library's own options of a turn, with what each has to be. */
export const turnControlRules: RulesOf<TurnControls> = {
  signal: abortSignal,
  timeoutMs: milliseconds,
  idleTimeoutMs: milliseconds,
  maxBacklogBytes: bytes,
  onBreak: oneOf("interrupt", "detach"),
  whenBusy: oneOf("queue", "steer", "reject"),
  trace: anything,
};

const runKeys: KeysOf<RunOptions> = { throwOnFailure: true };

const turnKeys: KeysOf<TurnOptions & RunOptions> = {
  ...turnStartParamsKeys,
  ...turnControlRules,
  ...runKeys,
  ...requestHandlerKeys,
  sandbox: true,
};

const serviceTurnKeys: KeysOf<ServiceTurnOptions> = { ...turnControlRules, ...requestHandlerKeys };

export const attachTurnKeys: KeysOf<AttachTurnOptions> = {
  ...withoutKeys(turnControlRules, "whenBusy"),
  ...requestHandlerKeys,
  outputSchema: true,
};

export const goalKeys: KeysOf<GoalOptions> = {
  ...withoutKeys(turnControlRules, "idleTimeoutMs"),
  ...requestHandlerKeys,
  tokenBudget: true,
  origin: true,
};

const updateSettingsKeys: KeysOf<UpdateSettingsOptions> = {
  ...threadSettingsUpdateParamsKeys,
  sandbox: true,
};

/**
 * Applications keep one object of options for all threads and turns, and spread into it what the
 * server said of a thread. So each of these calls takes the options of the others, which have no effect
 * on it. It does so for none that would be missed: see `onlyForThreads` and `onlyForTurns`.
 */
const conversationKeys = {
  ...startThreadKeys,
  ...resumeThreadKeys,
  ...forkThreadKeys,
  ...turnKeys,
  // Refused with a reason of their own.
  ...clientRequestHandlerKeys,
  ...threadStartResponseKeys,
  ...threadResumeResponseKeys,
  ...threadForkResponseKeys,
  ...threadSettingsKeys,
};

const openingKeys = withoutKeys(conversationKeys, "sandboxPolicy");
const anyTurnKeys = withoutKeys(conversationKeys, "config");

const onlyForTurns = {
  sandboxPolicy: ": it takes the name of a mode as sandbox, and a turn takes a policy",
};
const onlyForThreads = {
  config: ": it belongs to startThread(), resumeThread() or fork(), and would have no effect here",
};

/** Advice for calls that take no settings: where these belong. */
export const settingsElsewhere = Object.fromEntries(
  Object.keys(conversationKeys).map((key) => [
    key,
    ": settings belong to startThread(), resumeThread(), updateSettings() or a turn with input",
  ]),
);

/**
 * Options of `startThread`, `resumeThread` or `fork`, whose keys `keys` are. Returns them with what they
 * inherit.
 */
export function checkOpeningOptions<Options extends object>(
  call: string,
  options: Options,
  keys: Keys,
): Options {
  checkOptions(call, options, keys, { elsewhere: onlyForTurns, ignored: openingKeys });
  const all = withInherited(options, keys);
  checkSettings(all);
  if ("sandbox" in all) checkSandboxMode("sandbox", all.sandbox);
  return all;
}

/** Options of a turn with input. Returns them with what they inherit. */
export function checkTurnOptions<Options extends object>(options: Options): Options {
  checkOptions("a turn", options, turnKeys, { elsewhere: onlyForThreads, ignored: anyTurnKeys });
  const all = withInherited(options, turnKeys);
  checkSettings(all);
  return all;
}

/** Options of a call that takes no settings: a handle on a thread, a goal, or a turn without input. */
export function checkWithoutSettings(call: string, options: object, keys: Keys): void {
  const known = { ...clientRequestHandlerKeys, ...keys };
  checkOptions(call, options, known, { elsewhere: settingsElsewhere });
}

/** Options of a turn without input or settings. */
export function checkServiceOptions(call: string, options: object, more: Keys = {}): void {
  checkWithoutSettings(call, options, { ...serviceTurnKeys, ...more });
}

/**
 * Options of `updateSettings`, or what the server told of a thread's settings. Returns them with what they
 * inherit.
 */
export function checkUpdateSettings<Settings extends object>(settings: Settings): Settings {
  checkOptions("updateSettings()", settings, updateSettingsKeys, { ignored: threadSettingsKeys });
  const all = withInherited(settings, updateSettingsKeys);
  checkSettings(all);
  return all;
}

/** Options of `run` of a handle, which may be those of its turn. */
export function checkRunOptions(options: object): void {
  checkOptions("run()", options, runKeys, { ignored: anyTurnKeys });
}

function checkSettings(settings: object): void {
  if ("approvalPolicy" in settings) checkApprovalPolicy("approvalPolicy", settings.approvalPolicy);
  if ("config" in settings) checkConfiguredSafety(settings.config);
}
