import { callerContext } from "../async/caller-context.js";
import { callSafely, handleOutcome } from "../async/call-safely.js";
import { safeLogger, type Logger } from "../async/logger.js";
import { outlineOf } from "./error-outline.js";
import { shownMethod } from "./without-values.js";

/**
 * A function of yours that failed: a handler of the server's requests, a tool, a listener of
 * notifications, or the option of this name.
 */
export type CallbackName =
  | "handler"
  | "tool"
  | "listener"
  | "onConnectionStatus"
  | "onRetry"
  | "onStderr"
  | "token"
  | "traceContext"
  | "logger";

/**
 * The origin of an error that `onError` gets. Parts that are not known, or do not apply, are undefined.
 */
export interface ErrorOrigin {
  readonly where: CallbackName;
  /** The request or notification that the function was called for, such as `"item/tool/call"`. */
  readonly method: string | undefined;
  /** The thread that it is about. Under a sub-agent it is the sub-agent's. */
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
}

/**
 * Gets an error that a function of yours throws, or rejects with, when no call of yours rejects with it.
 */
export type ErrorListener = (error: unknown, origin: ErrorOrigin) => void;

/** The origin of an error, as far as it is known. */
type Origin = Pick<ErrorOrigin, "where"> & Partial<ErrorOrigin>;

/**
 * Calls the functions of the caller's whose outcome nobody waits for, and hears of the failures of all
 * the others: what they throw, or reject with, goes to `onError`, or else to the logger.
 */
export class Callbacks {
  /** The caller's logger, fit to be called from anywhere. */
  readonly logger: Required<Logger>;
  readonly #onError: ((...args: Parameters<ErrorListener>) => unknown) | undefined;
  /** The same, when it is told of a failure: its own is told to nobody. */
  readonly #lastResort: Required<Logger>;

  constructor(onError: ErrorListener | undefined, logger: Logger | undefined) {
    this.#onError = onError;
    this.#lastResort = safeLogger(logger);
    this.logger = safeLogger(logger, (error) => {
      this.failed(error, { where: "logger" });
    });
  }

  /** Makes of `callback` a function that never throws, and leaves no rejection unhandled. */
  guard<Args extends unknown[]>(
    callback: (...args: Args) => unknown,
    originOf: (...args: Args) => Origin,
  ): (...args: Args) => void {
    return (...args) => {
      callSafely(
        () => callback(...args),
        (error) => {
          this.failed(error, originOf(...args));
        },
      );
    };
  }

  /** Guards a listener, which then runs in the context of its registration. */
  listener<Message>(
    callback: (message: Message) => unknown,
    originOf: (message: Message) => Origin,
  ): (message: Message) => void {
    const context = callerContext();
    // Text deltas may come here by the thousand: nothing is made for one of them.
    const call = (message: Message): void => {
      try {
        const outcome = callback(message);
        if (typeof outcome !== "object") return;
        handleOutcome(outcome, (error) => {
          failed(error, message);
        });
      } catch (error) {
        failed(error, message);
      }
    };
    const failed = (error: unknown, message: Message): void => {
      this.failed(error, originOf(message));
    };
    return (message) => {
      context(call, message);
    };
  }

  /** To be told what a function of the caller's has thrown, or rejected with. Never throws. */
  failed(error: unknown, { where, method, threadId, turnId }: Origin): void {
    const onError = this.#onError;
    if (!onError) {
      this.#log(error, where, method);
      return;
    }
    callSafely(
      () => onError(error, { where, method, threadId, turnId }),
      (problem) => {
        this.#log(error, where, method);
        this.#lastResort.error(`onError failed: ${outlineOf(problem)}`);
      },
    );
  }

  #log(error: unknown, where: CallbackName, method: string | undefined): void {
    const what = method === undefined ? "" : ` of ${shownMethod(method)}`;
    this.#lastResort.error(`${subjects[where]}${what} failed: ${outlineOf(error)}`);
  }
}

const subjects: Readonly<Record<CallbackName, string>> = {
  handler: "A handler",
  tool: "A tool",
  listener: "A listener",
  onConnectionStatus: "A listener of the connection's status",
  onRetry: "onRetry",
  onStderr: "onStderr",
  token: "The token function",
  traceContext: "traceContext",
  logger: "The logger",
};
