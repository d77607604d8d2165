import type { ServerNotificationMethod } from "../../generated/methods.js";

/**
 * The notifications that parts of this library listen to. Without one of these a turn, a queue, a
 * command, a login or an approval would miss something that it relies on, so nobody may opt out of them.
 * The parts that listen with `Session.on` can name no others; of the rest a test reads the sources
 * (observed-notifications.test.ts).
 */
export const observedNotifications = [
  "account/gatewayOAuth/changed",
  "account/login/completed",
  "account/rateLimits/updated",
  "account/updated",
  "app/list/updated",
  "command/exec/outputDelta",
  "configWarning",
  "error",
  "fs/changed",
  "fuzzyFileSearch/sessionCompleted",
  "fuzzyFileSearch/sessionUpdated",
  "guardianWarning",
  "item/completed",
  "item/fileChange/patchUpdated",
  "item/started",
  "mcpServer/oauthLogin/completed",
  "mcpServer/startupStatus/updated",
  "model/rerouted",
  "process/exited",
  "process/outputDelta",
  "serverRequest/resolved",
  "skills/changed",
  "thread/archived",
  "thread/closed",
  "thread/deleted",
  "thread/goal/cleared",
  "thread/goal/updated",
  "thread/queue/changed",
  "thread/realtime/closed",
  "thread/reverted",
  "thread/search/partial",
  "thread/settings/updated",
  "thread/started",
  "thread/status/changed",
  "thread/tokenUsage/updated",
  "turn/completed",
  "turn/started",
  "warning",
] as const satisfies readonly ServerNotificationMethod[];

export type ObservedNotification = (typeof observedNotifications)[number];

/** Those whose `delta` is text, to be put behind the text that came before. */
export const textDeltaNotifications = [
  "item/agentMessage/delta",
  "item/commandExecution/outputDelta",
  "item/fileChange/outputDelta",
  "item/plan/delta",
  "item/reasoning/summaryTextDelta",
  "item/reasoning/textDelta",
] as const satisfies readonly ServerNotificationMethod[];

/**
 * The notifications that only show the progress of a turn. `turn.state` lacks it for those who opt out:
 * the streamed text of items that have not completed, the diff, the plan. Results do not depend on it.
 */
export const progressNotifications = [
  ...textDeltaNotifications,
  "item/mcpToolCall/progress",
  "turn/diff/updated",
  "turn/plan/updated",
] as const satisfies readonly ServerNotificationMethod[];

const progressMethods: ReadonlySet<string> = new Set(progressNotifications);

export function isProgress(method: string): boolean {
  return progressMethods.has(method);
}
