import { AppServerError } from "./base.js";

/** The loopback model of the testing entry was closed, so it answers no more requests. */
export class ModelClosedError extends AppServerError {
  override readonly code = "MODEL_CLOSED";
  override readonly sent = false;

  constructor() {
    super("The loopback model is closed. Close it after everything that uses it.");
  }
}
