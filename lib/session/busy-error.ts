import { ThreadBusyError } from "../errors/rpc-errors.js";

/** What is thrown, before anything is sent, when the thread has to be idle and is not. */
export function busyError(
  method: string,
  advice = method === "turn/start"
    ? 'It was not sent. Wait for that turn, or choose whenBusy: "queue" or "steer".'
    : "It was not sent. Wait for that turn.",
): ThreadBusyError {
  return new ThreadBusyError(
    { method, rpcCode: 0, message: "the thread already runs a turn.", data: null, sent: false },
    advice,
  );
}
