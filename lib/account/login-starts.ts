import type { LoginAccountParams } from "../../generated/types.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";
import { LoginTimeoutError } from "../errors/login-errors.js";
import type { Connect, Host } from "../host.js";
import type { AllowUndefined } from "../protocol.js";
import { LoginCompletion } from "./login-completion.js";
import { checkTimeout, type LoginWaitOptions } from "./login-outcome.js";

/** How long a login that needs nobody else may take (ms). */
const directMs = 60_000;

/** Starts logins, and knows which one ends which. */
export class LoginStarts {
  readonly #connect: Connect;
  /** The login that was started last; the server ends it when another one starts. */
  #latest: LoginCompletion | undefined;
  /** Settles, and never rejects, when no login without an id is under way. */
  #direct: Promise<unknown> = Promise.resolve();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /**
   * Starts a login that somebody else has to finish. `send` starts it, and `toHandle` gives its id and
   * its handle; without an id there was nothing to log in to.
   */
  async attempt<Answer, Handle>(
    send: (host: Host) => Promise<Answer>,
    toHandle: (answer: Answer, completion: LoginCompletion) => Handle,
  ): Promise<Handle> {
    const host = await this.#connect();
    const completion = new LoginCompletion(host);
    try {
      const answer = await this.#start(completion, () => send(host));
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
   * one at a time can be told from the others.
   */
  direct(params: AllowUndefined<LoginAccountParams>, options: LoginWaitOptions): Promise<void> {
    const { signal, timeoutMs = directMs } = options;
    checkTimeout(timeoutMs);
    const login = this.#direct.then(() => this.#loginDirectly(params, signal, timeoutMs));
    this.#direct = login.catch(() => undefined);
    return login;
  }

  async #loginDirectly(
    params: AllowUndefined<LoginAccountParams>,
    signal: AbortSignal | undefined,
    timeoutMs: number,
  ): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    signal?.throwIfAborted();
    const host = await this.#connect();
    const completion = new LoginCompletion(host);
    try {
      await this.#start(completion, () =>
        host.call("account/login/start", params, { signal, timeoutMs }),
      );
      completion.follow(null);
      await completion.outcome.wait(signal, Math.max(1, deadline - performance.now()));
    } catch (error) {
      const late = error instanceof LoginTimeoutError || error instanceof RequestTimeoutError;
      throw late ? new LoginTimeoutError(timeoutMs) : error;
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
