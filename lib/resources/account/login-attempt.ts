import { checkOptions } from "../../errors/check-options.js";
import { TransportClosedError } from "../../errors/connection-errors.js";
import { LoginFailedError, LoginTimeoutError } from "../../errors/login-errors.js";
import { loginWaitKeys, type LoginProcess, type LoginWaitOptions } from "./login-process.js";

/** A login that the server can be asked to end. */
type CancellableLogin = LoginProcess & { sendCancel(): Promise<unknown> };

/** How long to wait for the end of a login after the server has taken the cancellation (ms). */
const graceMs = 5_000;

/**
 * A login that somebody has to finish elsewhere. It goes on until it succeeds or fails, whether or not you
 * wait for it; `await using` cancels it at the end of the block.
 */
export class LoginAttempt implements AsyncDisposable {
  readonly #process: CancellableLogin;

  /** @internal */
  constructor(process: CancellableLogin) {
    this.#process = process;
  }

  /** The server's name for this attempt; `null` for a gateway login in a browser, which has none. */
  get loginId(): string | null {
    return this.#process.loginId;
  }

  /**
   * Waits for the login to succeed; `account()` then tells whose it is. It may be called again, and at any
   * time. Giving up the wait, by `signal` or after `timeoutMs` (ms; default 20 minutes, longer than the
   * server lets a login run), leaves the login as it is.
   *
   * @throws LoginFailedError, also when it was cancelled; LoginTimeoutError; TransportClosedError when the
   * connection ends; or `signal.reason`.
   */
  async wait(options: LoginWaitOptions = {}): Promise<void> {
    checkOptions("wait()", options, loginWaitKeys);
    return this.#process.wait(options);
  }

  /**
   * Ends the login, so that `wait()` rejects (`account/login/cancel`). Does nothing when it has ended
   * already, and may be called again.
   */
  async cancel(): Promise<void> {
    const process = this.#process;
    if (process.isSettled) return;
    const before = process.cause;
    process.cause ??= "cancelled";
    try {
      await process.sendCancel();
    } catch (error) {
      // With the connection the login is gone, too.
      if (error instanceof TransportClosedError) return;
      process.cause = before;
      throw error;
    }
    try {
      await process.wait({ timeoutMs: graceMs });
    } catch (error) {
      // How it ended is what `wait()` tells.
      if (!(error instanceof LoginTimeoutError)) return;
      const { loginId } = process;
      process.fail(() => new LoginFailedError("cancelled", { loginId }));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel();
  }
}

/** A ChatGPT login in a browser on the machine of the server. */
export class BrowserLogin extends LoginAttempt {
  /**
   * The URL to open in the browser, which comes back to a port that the server has opened on the loopback.
   */
  readonly authUrl: string;

  /** @internal */
  constructor(process: CancellableLogin, { authUrl }: { authUrl: string }) {
    super(process);
    this.authUrl = authUrl;
  }
}

/** A ChatGPT login in a browser on any machine, where the user types in a code. */
export class DeviceCodeLogin extends LoginAttempt {
  /** The page that asks for the code. */
  readonly verificationUrl: string;
  /** The code to type in there, such as `"ABCD-1234"`. */
  readonly userCode: string;

  /** @internal */
  constructor(
    process: CancellableLogin,
    { verificationUrl, userCode }: { verificationUrl: string; userCode: string },
  ) {
    super(process);
    this.verificationUrl = verificationUrl;
    this.userCode = userCode;
  }
}
