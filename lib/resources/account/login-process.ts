import { onAbort, throwIfAborted } from "../../async/abort.js";
import { Deferred } from "../../async/deferred.js";
import type { KeysOf } from "../../errors/check-options.js";
import { checkSignal, checkTimeout } from "../../errors/check-values.js";
import { copyError } from "../../errors/connection-errors.js";
import {
  LoginFailedError,
  LoginTimeoutError,
  type LoginFailureReason,
} from "../../errors/login-errors.js";
import { says } from "../../errors/server-sentences.js";
import { withinDeadline } from "../../jsonrpc/within-deadline.js";
import type { Session } from "../../session/session.js";

/** How long to wait for the end of a login. Giving up the wait does not end the login. */
export interface LoginWaitOptions {
  /** Ends the wait, which rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** How long to wait (ms). */
  timeoutMs?: number | undefined;
}

export const loginWaitKeys: KeysOf<LoginWaitOptions> = { signal: true, timeoutMs: true };

/** The end of a login, as the server tells it. */
export interface LoginEnd {
  readonly loginId?: string | null | undefined;
  readonly success: boolean;
  readonly error?: string | null | undefined;
}

/** Longer than the server lets any login run (ms): 10 minutes in a browser, 15 with a code. */
const waitMs = 20 * 60_000;
/** How long a login that has ended may take to settle (ms). */
const endingMs = 1_000;
/** A bound for servers that tell of ever more logins. */
const maxEarly = 1_000;

/**
 * Follows one login on one connection to its one end. Make it before the login is started, because its
 * end may be told before its id is known. Any number may wait for it, at any time; nobody has to. It lets
 * go of the connection when the login has ended, when the connection has, or with `stop()`.
 */
export class LoginProcess<End extends LoginEnd = LoginEnd> {
  loginId: string | null = null;
  /** The cause of a failure, if this client caused it. */
  cause: "cancelled" | "replaced" | undefined;
  readonly #settled = new Deferred<void>();
  readonly #stops: (() => void)[] = [];
  /** The ends that were told while it was not known which one is ours. */
  readonly #early: End[] = [];
  #isOurs: ((end: End) => boolean) | undefined;
  /** It has succeeded, and is about to settle: waiters whose time is up meanwhile wait a little longer. */
  #isEnding = false;
  /** `null` when it succeeded; makes an error of its own for each waiter when it did not. */
  #failure: (() => unknown) | null | undefined;

  constructor(session: Session) {
    const unlink = onAbort(session.connectionSignal, (reason) => {
      this.fail(() => copyError(reason, "the login"));
    });
    this.holds(unlink);
  }

  get isSettled(): boolean {
    return this.#failure !== undefined;
  }

  /** Calls these functions when it has settled or is stopped. */
  holds(...stops: readonly (() => void)[]): void {
    this.#stops.push(...stops);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** From now on this is the login to follow; `null` is for those that the server gives no id. */
  follow(loginId: string | null, isOurs = (end: End): boolean => end.loginId === loginId): void {
    this.loginId = loginId;
    this.#isOurs = isOurs;
    for (const end of this.#early.splice(0)) this.told(end);
  }

  /** Takes in the end of a login, which may be another one. */
  told(end: End): void {
    if (!this.#isOurs) {
      if (this.#early.length < maxEarly) this.#early.push(end);
      return;
    }
    if (this.#isEnding || !this.#isOurs(end)) return;
    const { loginId = null, success, error } = end;
    const reason = this.cause ?? reasonIn(error);
    if (success) this.succeed();
    else this.fail(() => new LoginFailedError(reason, { loginId, serverMessage: error }));
  }

  succeed(): void {
    this.#isEnding = true;
    void this.untilReady().then(() => {
      this.#settle(null);
    });
  }

  fail(makeError: () => unknown): void {
    this.#settle(makeError);
  }

  /** @throws what the login failed with, LoginTimeoutError, or `signal.reason`. */
  async wait({ signal, timeoutMs = waitMs }: LoginWaitOptions = {}): Promise<void> {
    checkTimeout(timeoutMs);
    checkSignal(signal);
    throwIfAborted(signal);
    const settled = this.#settled.promise;
    let leftMs = await withinDeadline(settled, timeoutMs, signal);
    if (leftMs === 0 && this.#isEnding) leftMs = await withinDeadline(settled, endingMs, signal);
    if (leftMs === 0) throw new LoginTimeoutError(timeoutMs);
    if (this.#failure) throw this.#failure();
  }

  /** What a login that has succeeded waits for before it settles. Never rejects. */
  protected untilReady(): Promise<void> {
    return Promise.resolve();
  }

  #settle(failure: (() => unknown) | null): void {
    if (this.isSettled) return;
    this.#failure = failure;
    this.stop();
    this.#settled.resolve();
  }
}

/** The server says it with a sentence only. */
export function reasonIn(sentence: unknown): LoginFailureReason {
  if (typeof sentence !== "string") return "failed";
  if (says(sentence, "loginDenied")) return "denied";
  return says(sentence, "loginCancelled", "loginNotCompleted") ? "cancelled" : "failed";
}
