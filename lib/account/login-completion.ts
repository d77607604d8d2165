import type { AccountLoginCompletedNotification } from "../../generated/types.js";
import { onAbort } from "../async/abort.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import { LoginFailedError, type LoginFailureReason } from "../errors/login-errors.js";
import type { Host } from "../host.js";
import type { LoginProcess } from "./login-attempt.js";
import { LoginOutcome } from "./login-outcome.js";

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
  readonly #host: Host;
  readonly #stops: (() => void)[] = [];
  /** The ends that were told while it was not known which one is ours. */
  #early: AccountLoginCompletedNotification[] | undefined = [];
  #loginId: string | null | undefined;

  constructor(host: Host) {
    this.#host = host;
    const stopListening = host.on("account/login/completed", ({ params }) => {
      if (this.#early) this.#early.push(params);
      else this.#receive(params);
    });
    this.#stops.push(stopListening);
    const unlink = onAbort(host.signal, (reason) => {
      this.outcome.fail(() => lostConnection(reason));
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
    return this.#host.call("account/login/cancel", { loginId: this.#loginId ?? "" });
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #receive({ loginId, success, error }: AccountLoginCompletedNotification): void {
    if (loginId !== this.#loginId) return;
    if (success) {
      this.outcome.succeed();
      return;
    }
    const reason = this.cause ?? reasonIn(error);
    this.outcome.fail(() => new LoginFailedError(reason, { loginId, serverMessage: error }));
  }
}

/** An error of its own for each waiter. */
export function lostConnection(reason: unknown): Error {
  if (!(reason instanceof TransportClosedError)) return reason as Error;
  return new TransportClosedError(reason.reason, "the login");
}

/** The server says it with a sentence only. */
export function reasonIn(sentence: unknown): LoginFailureReason {
  if (typeof sentence !== "string") return "failed";
  if (sentence.includes("access_denied")) return "denied";
  return /cancell?ed/i.test(sentence) ? "cancelled" : "failed";
}
