import type { ServerNotification, ThreadWarningMethod } from "../protocol.js";
import type { TurnWarning } from "../results/turn-warning.js";

const maxWarnings = 100;
const maxCharacters = 4_000;

/** The warnings with one more: the same one counts once, and the oldest give way to the newest. */
export function addWarning(
  warnings: readonly TurnWarning[],
  { method, params }: ServerNotification<ThreadWarningMethod>,
): readonly TurnWarning[] {
  // What a server sends need not be what the type says.
  const { message: text }: { message: unknown } = params;
  if (typeof text !== "string") return warnings;
  const message = text.slice(0, maxCharacters);
  const isKnown = warnings.some((one) => one.method === method && one.message === message);
  return isKnown ? warnings : [...warnings.slice(1 - maxWarnings), { method, message }];
}
