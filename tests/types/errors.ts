/** Compile-time checks of the errors and their codes; nothing here runs. */
import {
  AppServerError,
  InvalidRequestError,
  isAppServerError,
  JsonRpcError,
  type AnyAppServerError,
  type AppServerErrorCode,
  type InvalidRequestErrorCode,
  type JsonRpcErrorCode,
  type ThreadNotFoundError,
  type TransportClosedError,
  type TurnFailedError,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;

/** The union of the classes and the union of the codes cannot fall apart. */
export type CodesAndClasses = Hold<
  [
    Same<AnyAppServerError["code"], AppServerErrorCode>,
    Same<AppServerError["code"], AppServerErrorCode>,
    Same<JsonRpcError["code"], JsonRpcErrorCode>,
    Same<InvalidRequestError["code"], InvalidRequestErrorCode>,
    Same<ThreadNotFoundError["code"], "THREAD_NOT_FOUND">,
    Same<TransportClosedError["code"], "TRANSPORT_CLOSED">,
    Same<Extract<AnyAppServerError, { code: "TURN_FAILED" }>, TurnFailedError>,
  ]
>;

/** After the guard, a `switch` knows the class, and the compiler the codes. */
export function narrowed(error: unknown): unknown {
  if (!isAppServerError(error)) return undefined;
  switch (error.code) {
    case "TURN_FAILED":
      return error.result.items satisfies TurnFailedError["result"]["items"];
    case "THREAD_NOT_FOUND":
      return error satisfies ThreadNotFoundError;
    case "INVALID_REQUEST":
    case "RPC_ERROR":
      return error.serverMessage;
    // @ts-expect-error there is no such code
    case "TURN_FAILD":
      return undefined;
    default:
      return error.code satisfies Exclude<
        AppServerErrorCode,
        "TURN_FAILED" | "THREAD_NOT_FOUND" | "INVALID_REQUEST" | "RPC_ERROR"
      >;
  }
}

/** With `instanceof` the codes are checked, too. */
export function ofAnInstance(error: unknown): string | undefined {
  if (error instanceof InvalidRequestError && error.code === "THREAD_NOT_FOUND") return "thread";
  if (error instanceof JsonRpcError && error.code === "SERVER_BUSY") return "busy";
  // @ts-expect-error a refusal is no end of the connection
  if (error instanceof JsonRpcError && error.code === "TRANSPORT_CLOSED") return "closed";
  if (error instanceof AppServerError && error.code === "TURN_STALLED") return "stalled";
  return undefined;
}
