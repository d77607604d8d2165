import { AppServerError } from "./base.js";

/**
 * The server has loaded or copied the thread under a wider sandbox than it had, and would not take that
 * back (`cause` tells why, if it refused): no turn was started. Say which sandbox it is to have:
 * `resumeThread(id, { sandbox })`, or `fork({ sandbox })`.
 */
export class SandboxWidenedError extends AppServerError {
  readonly threadId: string;

  constructor(threadId: string, cause: unknown) {
    super(
      "SANDBOX_WIDENED",
      "The server opened the thread under a wider sandbox than it had, so no turn was started. " +
        "Name its sandbox: resumeThread(id, { sandbox }) or fork({ sandbox }).",
      { cause },
    );
    this.threadId = threadId;
  }
}
