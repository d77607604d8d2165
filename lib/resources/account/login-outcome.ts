import { onAbort, throwIfAborted } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { checkSignal, checkTimeout } from "../../errors/check-values.js";
import type { KeysOf } from "../../errors/check-options.js";
import { LoginTimeoutError } from "../../errors/login-errors.js";

/** How long to wait for the end of a login. Giving up the wait does not end the login. */
export interface LoginWaitOptions {
  /** Ends the wait, which rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** How long to wait (ms). */
  timeoutMs?: number | undefined;
}

export const loginWaitKeys: KeysOf<LoginWaitOptions> = { signal: true, timeoutMs: true };

/** How long a login that has ended may take to settle (ms). */
const endingMs = 1_000;

/** The one end of a login. Any number may wait for it, at any time; nobody has to. */
export class LoginOutcome {
  readonly #waiters = new Set<() => void>();
  readonly #onSettled: () => void;
  #isEnding = false;
  /** `null` when it succeeded; makes an error of its own for each waiter when it did not. */
  #failure: (() => unknown) | null | undefined;

  constructor(onSettled: () => void) {
    this.#onSettled = onSettled;
  }

  get settled(): boolean {
    return this.#failure !== undefined;
  }

  /** It has ended, and is about to settle: whose time is up in this moment waits a little longer. */
  ending(): void {
    this.#isEnding = true;
  }

  succeed(): void {
    this.#settle(null);
  }

  fail(makeError: () => unknown): void {
    this.#settle(makeError);
  }

  /** @throws what the login failed with, LoginTimeoutError, or `signal.reason`. */
  async wait(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    checkTimeout(timeoutMs);
    checkSignal(signal);
    throwIfAborted(signal);
    if (!this.settled) {
      const end = await this.#next(signal, timeoutMs);
      if (end === "timeout") throw new LoginTimeoutError(timeoutMs);
      if (end === "aborted") throw signal?.reason;
    }
    if (this.#failure) throw this.#failure();
  }

  /** Rejects never: tells what came first. */
  #next(
    signal: AbortSignal | undefined,
    timeoutMs: number,
  ): Promise<"settled" | "timeout" | "aborted"> {
    return new Promise((resolve) => {
      const finish = (how: "settled" | "timeout" | "aborted"): void => {
        this.#waiters.delete(onSettled);
        stopDeadline();
        unlink();
        resolve(how);
      };
      const onSettled = (): void => {
        finish("settled");
      };
      this.#waiters.add(onSettled);
      const giveUp = (): void => {
        finish("timeout");
      };
      let stopDeadline = onDeadline(timeoutMs, () => {
        if (this.#isEnding) stopDeadline = onDeadline(endingMs, giveUp);
        else giveUp();
      });
      const unlink = onAbort(signal, () => {
        finish("aborted");
      });
    });
  }

  #settle(failure: (() => unknown) | null): void {
    if (this.settled) return;
    this.#failure = failure;
    this.#onSettled();
    for (const waiter of [...this.#waiters]) waiter();
  }
}
