import { AppServerError } from "./base.js";

/** The loopback model of the testing entry was closed, so it answers no more requests. */
export class ModelClosedError extends AppServerError {
  declare readonly code: "MODEL_CLOSED";

  constructor() {
    super("MODEL_CLOSED", "The loopback model is closed. Close it after everything that uses it.", {
      sent: false,
    });
  }
}
