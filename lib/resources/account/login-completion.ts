import type { AccountLoginCompletedNotification } from "../../../generated/types.js";
import { onAbort } from "../../async/abort.js";
import { Deferred } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import { copyError } from "../../errors/connection-errors.js";
import { LoginFailedError, type LoginFailureReason } from "../../errors/login-errors.js";
import { says } from "../../errors/server-sentences.js";
import type { Session } from "../../session/session.js";
import type { LoginProcess } from "./login-attempt.js";
import { LoginOutcome } from "./login-outcome.js";

/** A bound for servers that tell of ever more logins. */
const maxEarly = 1_000;

/** How long to wait for the account after its login has succeeded (ms). */
const accountMs = 5_000;

/**
 * Follows one login on one connection until `account/login/completed`. Make it before the login is
 * started, because its end may be told before its id is known. It lets go of the connection when the
 * login has ended, when the connection has, or with `stop()`.
 */
export class LoginCompletion implements LoginProcess {
  readonly outcome = new LoginOutcome(() => {
    this.stop();
  });
  cause: "cancelled" | "replaced" | undefined;
  readonly #session: Session;
  readonly #stops: (() => void)[] = [];
  /** The ends that were told while it was not known which one is ours. */
  #early: AccountLoginCompletedNotification[] | undefined = [];
  #loginId: string | null | undefined;
  #succeeded = false;

  constructor(session: Session) {
    this.#session = session;
    const stopListening = session.on("account/login/completed", ({ params }) => {
      if (!this.#early) this.#receive(params);
      else if (this.#early.length < maxEarly) this.#early.push(params);
    });
    this.#stops.push(stopListening);
    const unlink = onAbort(session.connectionSignal, (reason) => {
      this.outcome.fail(() => copyError(reason, "the login"));
    });
    this.#stops.push(unlink);
  }

  get loginId(): string | null {
    return this.#loginId ?? null;
  }

  /** Whether it is known which login this is. */
  get followed(): boolean {
    return this.#loginId !== undefined;
  }

  /** From now on this is the login to follow; `null` is for those that the server gives no id. */
  follow(loginId: string | null): void {
    this.#loginId = loginId;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const end of early) this.#receive(end);
  }

  sendCancel(): Promise<unknown> {
    return this.#session.call("account/login/cancel", { loginId: this.#loginId ?? "" });
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #receive({ loginId, success, error }: AccountLoginCompletedNotification): void {
    if (loginId !== this.#loginId || this.#succeeded) return;
    if (success) {
      this.#succeeded = true;
      this.outcome.ending();
      void this.#untilAccountIsThere().then(() => {
        this.outcome.succeed();
      });
      return;
    }
    const reason = this.cause ?? reasonIn(error);
    this.outcome.fail(() => new LoginFailedError(reason, { loginId, serverMessage: error }));
  }

  /**
   * Older servers tell the end of a login some milliseconds before they have its account. Whoever
   * waits for the login wants the account, so it waits for that, too. Never rejects.
   */
  async #untilAccountIsThere(): Promise<void> {
    const updated = new Deferred<void>();
    const settle = (): void => {
      updated.resolve();
    };
    this.#stops.push(this.#session.on("account/updated", settle), settle);
    try {
      const { account, requiresOpenaiAuth } = await this.#session.call("account/read", {});
      if (account === null && requiresOpenaiAuth) await settleWithin(updated.promise, accountMs);
    } catch {
      // The login has succeeded all the same.
    }
  }
}

/** The server says it with a sentence only. */
export function reasonIn(sentence: unknown): LoginFailureReason {
  if (typeof sentence !== "string") return "failed";
  if (says(sentence, "loginDenied")) return "denied";
  return says(sentence, "loginCancelled", "loginNotCompleted") ? "cancelled" : "failed";
}
