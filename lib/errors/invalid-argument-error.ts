import { AppServerError } from "./base.js";

/**
 * The caller passed something that cannot work; nothing was sent. `argument` is the path of the
 * offending option, such as `"config.model_providers"`. The value itself is never in the message.
 */
export class InvalidArgumentError extends AppServerError {
  override readonly code = "INVALID_ARGUMENT";
  override readonly sent = false;
  readonly argument: string;

  constructor(argument: string, problem: string, options?: ErrorOptions) {
    super(`${argument} ${problem}`, options);
    this.argument = argument;
  }
}
