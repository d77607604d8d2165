import { AppServerError, hide } from "../../errors/base.js";
import type { CommandResult } from "../../results/command-result.js";

/** With `throwOnFailure`: the command ended with an exit code other than 0. */
export class CommandFailedError extends AppServerError {
  override readonly code = "COMMAND_FAILED";
  /** The command's exit code and output. */
  readonly result: CommandResult;

  constructor(result: CommandResult) {
    const how = result.timedOut ? "took longer than timeoutMs" : "ended";
    super(`The command ${how}, with exit code ${result.exitCode}: see result.`);
    this.result = result;
    hide(this, "result");
  }
}
