import { AppServerError } from "./base.js";

/**
 * The `Codex` is being closed with `drainMs`: what runs comes to its end, and nothing more begins. Over HTTP
 * that is a 503: another instance of the application may take the request.
 */
export class CodexDrainingError extends AppServerError {
  override readonly code = "CODEX_DRAINING";
  override readonly sent = false;
  /** The request that was not sent. */
  readonly method: string;

  constructor(method: string) {
    super(
      `${method} was not sent: this Codex is being closed, lets its running turns end, and begins nothing more. ` +
        "Send it by another Codex, of another instance of your application for example.",
    );
    this.method = method;
  }
}
