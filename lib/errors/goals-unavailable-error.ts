import { InvalidRequestError } from "./rpc-errors.js";

/** This server, or this thread, cannot have goals. */
export class GoalsUnavailableError extends InvalidRequestError {
  declare readonly code: "GOALS_UNAVAILABLE";

  constructor(refusal: InvalidRequestError, advice: string) {
    const { method, rpcCode, serverMessage, data } = refusal;
    super({ method, rpcCode, message: serverMessage, data }, "GOALS_UNAVAILABLE", advice);
    this.cause = refusal;
  }
}
