import { isAppServerError } from "../errors/base.js";

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
  /**
   * Has what belongs to the operation carried out within `wrap`, which calls what it gets, once and at once. To be called
   * by a subscriber of `start`, whose context is no AsyncLocalStorage: such a one is bound to `start` instead.
   */
  within(wrap: (run: () => void) => void): void;
}

/** The part that all operations share. */
export class TracedOperation implements Operation {
  readonly startedAtMs: number;
  errorType: string | undefined = undefined;
  #error: unknown;
  #wraps: ((run: () => void) => void)[] | undefined;

  constructor(startedAtMs = Date.now()) {
    this.startedAtMs = startedAtMs;
  }

  get error(): unknown {
    return this.#error;
  }

  within(wrap: (run: () => void) => void): void {
    (this.#wraps ??= []).push(wrap);
  }

  /** Calls a function within all that subscribers have asked for, the first outermost. */
  carryOut<Result>(run: () => Result): Result {
    const wraps = this.#wraps;
    this.#wraps = undefined;
    return wraps ? runWithin(wraps, run) : run();
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

/** What a subscriber's function throws is treated as what a subscriber throws: it is the process's, and not the call's. */
function runWithin<Result>(
  wraps: readonly ((run: () => void) => void)[],
  run: () => Result,
): Result {
  let outcome: { readonly result: Result } | { readonly error: unknown } | undefined;
  const runOnce = (): void => {
    if (outcome) return;
    try {
      outcome = { result: run() };
    } catch (error) {
      outcome = { error };
    }
  };
  const wrapped = wraps.reduceRight<() => void>(
    (inner, wrap) => () => {
      try {
        wrap(inner);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    },
    runOnce,
  );
  wrapped();
  runOnce();
  if (outcome && "result" in outcome) return outcome.result;
  throw outcome?.error;
}
