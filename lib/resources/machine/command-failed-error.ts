import { ResultError } from "../../errors/result-error.js";
import type { CommandResult } from "../../results/command-result.js";

/** With `throwOnFailure`: the command ended with an exit code other than 0. `result` has its output. */
export class CommandFailedError extends ResultError<CommandResult> {
  override readonly code = "COMMAND_FAILED";

  constructor(result: CommandResult) {
    const how = result.timedOut ? "took longer than timeoutMs" : "ended";
    super(`The command ${how}, with exit code ${result.exitCode}: see result.`, result);
  }
}
