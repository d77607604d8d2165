import { Deferred } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import type { Session } from "../../session/session.js";
import { LoginProcess } from "./login-process.js";

/** How long to wait for the account after its login has succeeded (ms). */
const accountMs = 5_000;

/** A login of the server's account, whose end is `account/login/completed`. */
export class AccountLogin extends LoginProcess {
  readonly #session: Session;

  constructor(session: Session) {
    super(session);
    this.#session = session;
    const stopListening = session.on("account/login/completed", ({ params }) => {
      this.told(params);
    });
    this.holds(stopListening);
  }

  sendCancel(): Promise<unknown> {
    return this.#session.call("account/login/cancel", { loginId: this.loginId ?? "" });
  }

  /**
   * Older servers tell the end of a login some milliseconds before they have its account. Whoever
   * waits for the login wants the account, so it waits for that, too.
   */
  protected override async untilReady(): Promise<void> {
    const updated = new Deferred<void>();
    const settle = (): void => {
      updated.resolve();
    };
    this.holds(this.#session.on("account/updated", settle), settle);
    try {
      const { account, requiresOpenaiAuth } = await this.#session.call("account/read", {});
      if (account === null && requiresOpenaiAuth) await settleWithin(updated.promise, accountMs);
    } catch {
      // The login has succeeded all the same.
    }
  }
}
