import { AppServerError } from "./base.js";

/**
 * The thread was unsubscribed (`thread/unsubscribe`) while the turn ran, or could not be resumed when a
 * connection that had dropped was back. The turn may go on in the server, but this client hears nothing
 * more of it.
 */
export class TurnDetachedError extends AppServerError {
  override readonly code = "TURN_DETACHED";

  constructor(cause: "unsubscribed" | "lost" = "unsubscribed") {
    const what =
      cause === "unsubscribed"
        ? "was unsubscribed while the turn ran"
        : "could not be resumed when the connection was back";
    const advice = "The turn may still run: resume the thread, and read its turns.";
    super(`The thread ${what}. ${advice}`);
  }
}
