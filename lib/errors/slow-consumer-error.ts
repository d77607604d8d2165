import { AppServerError } from "./base.js";

/**
 * Whoever iterates something has let too much of it wait, and all that waited was dropped. The
 * iteration is over; what it was about goes on: the result of a turn still comes from `run()`.
 */
export class SlowConsumerError extends AppServerError {
  declare readonly code: "SLOW_CONSUMER";

  constructor(tooMuch: string, cure: string) {
    super(
      "SLOW_CONSUMER",
      `More than ${tooMuch} were waiting to be read, and were dropped. ${cure}`,
    );
  }
}
