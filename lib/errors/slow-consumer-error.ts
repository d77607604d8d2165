import { AppServerError } from "./base.js";

/**
 * The consumer of an iteration let too much wait, and everything that waited was dropped. The iteration is
 * over; the turn or command itself goes on: `run()` still gives the result of a turn.
 */
export class SlowConsumerError extends AppServerError {
  override readonly code = "SLOW_CONSUMER";

  constructor(tooMuch: string, cure: string) {
    super(`More than ${tooMuch} were waiting to be read, and were dropped. ${cure}`);
  }
}
