import type { LoginAccountParams } from "../../../generated/types.js";
import { throwIfAborted } from "../../async/abort.js";
import { checkSignal, checkTimeout } from "../../errors/check-values.js";
import { LoginTimeoutError } from "../../errors/login-errors.js";
import type { GetSession, Session } from "../../session/session.js";
import { confirmEnd, undoneWhenLate } from "../../session/confirm-end.js";
import type { AllowUndefined } from "../../protocol.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { withinDeadline } from "../../jsonrpc/within-deadline.js";
import { AccountLogin } from "./account-login.js";
import type { LoginWaitOptions } from "./login-process.js";

/** How long a login may take that needs no person (ms). */
const directMs = 60_000;
/** How long the next login waits for the end of one that was given up (ms). */
const lateMs = 5_000;

/** Starts logins, and knows which one ends which. */
export class LoginStarts {
  readonly #getSession: GetSession;
  /** The login that was started last; the server ends it when another one starts. */
  #latest: AccountLogin | undefined;
  /** Settles, and never rejects, when no login without an id is under way. */
  #direct: Promise<unknown> = Promise.resolve();

  constructor(getSession: GetSession) {
    this.#getSession = getSession;
  }

  /**
   * Starts a login that somebody else has to finish. `send` starts it, and `toHandle` makes its
   * handle. Without an id in the answer there was nothing to log in to.
   */
  async attempt<Answer extends object, Handle>(
    send: (session: Session, options: RequestOptions) => Promise<Answer>,
    toHandle: (answer: Answer, login: AccountLogin) => Handle,
  ): Promise<Handle> {
    const session = await this.#getSession();
    const login = new AccountLogin(session);
    try {
      const answer = await this.#start(login, () => send(session, cancelsLateLogin(session)));
      const handle = toHandle(answer, login);
      const { loginId } = answer as { readonly loginId?: string };
      if (loginId === undefined) login.stop();
      else login.follow(loginId);
      return handle;
    } catch (error) {
      login.stop();
      throw error;
    }
  }

  /**
   * Logs in with what is at hand. The server reports the end of such a login without an id, so only
   * one at a time can be told from the others. The wait for it, its place in the queue included, may
   * be given up at any time; the login then keeps its place, because its end may still come.
   */
  async direct(
    params: AllowUndefined<LoginAccountParams>,
    { signal, timeoutMs = directMs }: LoginWaitOptions,
  ): Promise<void> {
    checkTimeout(timeoutMs);
    checkSignal(signal);
    throwIfAborted(signal);
    const givenUp = new AbortController();
    const progress = { sent: false };
    const login = this.#direct.then(() => this.#loginDirectly(params, givenUp.signal, progress));
    this.#direct = login.catch(() => undefined);
    try {
      const leftMs = await withinDeadline(login, timeoutMs, signal);
      if (leftMs === 0) throw new LoginTimeoutError(timeoutMs, progress.sent);
    } finally {
      givenUp.abort();
    }
  }

  async #loginDirectly(
    params: AllowUndefined<LoginAccountParams>,
    givenUp: AbortSignal,
    progress: { sent: boolean },
  ): Promise<void> {
    throwIfAborted(givenUp);
    const session = await this.#getSession();
    throwIfAborted(givenUp);
    const login = new AccountLogin(session);
    progress.sent = true;
    try {
      await this.#start(login, () =>
        session.call("account/login/start", params, { signal: givenUp, timeoutMs: Infinity }),
      );
      login.follow(null);
      await login.wait({ signal: givenUp, timeoutMs: Infinity });
    } catch (error) {
      if (givenUp.aborted) {
        // The end of a login that was given up would be taken for that of the next one.
        login.follow(null);
        await login.wait({ timeoutMs: lateMs }).catch(() => undefined);
      }
      throw error;
    } finally {
      login.stop();
    }
  }

  async #start<Answer>(login: AccountLogin, send: () => Promise<Answer>): Promise<Answer> {
    const before = this.#latest;
    const cause = before?.cause;
    if (before) before.cause ??= "replaced";
    try {
      const answer = await send();
      this.#latest = login;
      return answer;
    } catch (error) {
      // What was not started ends nothing.
      if (before) before.cause = cause;
      throw error;
    }
  }
}

/** A login that is started after the deadline, when nobody can finish it, is cancelled. */
function cancelsLateLogin(session: Session): RequestOptions {
  return undoneWhenLate("If it does, this client cancels the login.", (result) => {
    const { loginId } = (result ?? {}) as { loginId?: unknown };
    if (typeof loginId === "string") void confirmEnd(session, "account/login/cancel", { loginId });
  });
}
