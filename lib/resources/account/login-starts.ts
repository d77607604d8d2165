import type { LoginAccountParams } from "../../../generated/types.js";
import { throwIfAborted } from "../../async/abort.js";
import { checkSignal, checkTimeout } from "../../errors/check-values.js";
import { LoginTimeoutError } from "../../errors/login-errors.js";
import type { GetSession, Session } from "../../session/session.js";
import { confirmEnd, undoneWhenLate } from "../../session/confirm-end.js";
import type { AllowUndefined } from "../../protocol.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { LoginCompletion } from "./login-completion.js";
import { LoginOutcome, type LoginWaitOptions } from "./login-outcome.js";

/** How long a login may take that needs no person (ms). */
const directMs = 60_000;
/** How long the next login waits for the end of one that was given up (ms). */
const lateMs = 5_000;

/** Starts logins, and knows which one ends which. */
export class LoginStarts {
  readonly #getSession: GetSession;
  /** The login that was started last; the server ends it when another one starts. */
  #latest: LoginCompletion | undefined;
  /** Settles, and never rejects, when no login without an id is under way. */
  #direct: Promise<unknown> = Promise.resolve();

  constructor(getSession: GetSession) {
    this.#getSession = getSession;
  }

  /**
   * Starts a login that somebody else has to finish. `send` starts it, and `toHandle` gives its id and
   * its handle; without an id there was nothing to log in to.
   */
  async attempt<Answer, Handle>(
    send: (session: Session, options: RequestOptions) => Promise<Answer>,
    toHandle: (answer: Answer, completion: LoginCompletion) => Handle,
  ): Promise<Handle> {
    const session = await this.#getSession();
    const completion = new LoginCompletion(session);
    try {
      const answer = await this.#start(completion, () => send(session, cancelsLateLogin(session)));
      const handle = toHandle(answer, completion);
      if (!completion.followed) completion.stop();
      return handle;
    } catch (error) {
      completion.stop();
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
      await outcomeOf(login).wait(signal, timeoutMs);
    } catch (error) {
      if (!(error instanceof LoginTimeoutError) || progress.sent) throw error;
      throw new LoginTimeoutError(timeoutMs, false);
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
    const completion = new LoginCompletion(session);
    progress.sent = true;
    try {
      await this.#start(completion, () =>
        session.call("account/login/start", params, { signal: givenUp, timeoutMs: Infinity }),
      );
      completion.follow(null);
      await completion.outcome.wait(givenUp, Infinity);
    } catch (error) {
      if (givenUp.aborted) await untilOver(completion);
      throw error;
    } finally {
      completion.stop();
    }
  }

  async #start<Answer>(completion: LoginCompletion, send: () => Promise<Answer>): Promise<Answer> {
    const before = this.#latest;
    const cause = before?.cause;
    if (before) before.cause ??= "replaced";
    try {
      const answer = await send();
      this.#latest = completion;
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

function outcomeOf(login: Promise<void>): LoginOutcome {
  const outcome = new LoginOutcome(() => undefined);
  login.then(
    () => {
      outcome.succeed();
    },
    (error: unknown) => {
      outcome.fail(() => error);
    },
  );
  return outcome;
}

/** The end of a login that was given up would be taken for that of the next one. Never rejects. */
async function untilOver(completion: LoginCompletion): Promise<void> {
  completion.follow(null);
  await completion.outcome.wait(undefined, lateMs).catch(() => undefined);
}
