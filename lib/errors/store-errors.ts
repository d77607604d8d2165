import { AppServerError } from "./base.js";

/**
 * The database of a fleet did not do what was asked: it is away, it took too long, it refused, or the store was closed;
 * `cause` says which. The store connects again by itself. With `sent: true` the database may have carried it out all the
 * same.
 */
export class StoreUnavailableError extends AppServerError {
  override readonly code = "STORE_UNAVAILABLE";

  constructor(problem: string, sent: boolean, options?: ErrorOptions) {
    super(`The fleet's database ${problem}`, { ...options, sent });
  }
}

/** Another writer has begun to write this stream, and what was to be written is not in it. Stop writing. */
export class StreamTakenError extends AppServerError {
  override readonly code = "STREAM_TAKEN";
  override readonly sent = false;

  constructor() {
    super("Another writer has taken over the turn's stream. Stop following the turn here.");
  }
}

/** As many commands wait for the worker of a job as may wait. Nothing was stored. Over HTTP that is a 503. */
export class CommandsFullError extends AppServerError {
  override readonly code = "COMMANDS_FULL";
  override readonly sent = false;

  constructor(limit: number) {
    super(
      `${limit} commands wait for the worker of this job already. Try again when it has taken some.`,
    );
  }
}
