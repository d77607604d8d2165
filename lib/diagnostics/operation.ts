import { isAppServerError } from "../errors/base.js";
import type { Failing } from "./tracing.js";

/**
 * One operation, as its tracing channel shows it: the same object in `start`, `end`, `asyncStart`, `asyncEnd`
 * and `error`, whose fields are filled as they become known.
 *
 * `error` and `content` can be read, and are no part of the object when it is printed or written as JSON.
 */
export interface Operation {
  /** When it began (ms since the epoch). */
  readonly startedAtMs: number;
  /**
   * The kind of its failure, once it has failed: the `code` of an error of this library, or else its name; of a turn
   * that the server lets fail, its reason, such as `"usageLimitExceeded"`.
   */
  readonly errorType: string | undefined;
  /** What it failed with. An error of yours may say anything. */
  readonly error: unknown;
}

/** The part that all operations share. */
export class TracedOperation implements Operation, Failing {
  readonly startedAtMs: number;
  errorType: string | undefined = undefined;
  #error: unknown;

  constructor(startedAtMs = Date.now()) {
    this.startedAtMs = startedAtMs;
  }

  get error(): unknown {
    return this.#error;
  }

  failed(error: unknown, type = errorTypeOf(error)): void {
    this.#error = error;
    this.errorType = type;
  }
}

/** Of the caller's own errors only the name is known to say nothing of what happened. */
export function errorTypeOf(error: unknown): string {
  if (isAppServerError(error)) return error.code;
  if (typeof error !== "object" || error === null) return typeof error;
  const name: unknown = Reflect.get(error, "name");
  return typeof name === "string" && /^\w{1,64}$/.test(name) ? name : "Error";
}
