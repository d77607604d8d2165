import { TransportClosedError } from "../errors/connection-errors.js";

/** A loss of the connection is told to everybody who waits, each with an error of its own. */
export function renewed(error: unknown): unknown {
  if (!(error instanceof TransportClosedError)) return error;
  return new TransportClosedError(error.reason, error.method);
}
