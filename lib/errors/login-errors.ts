import { AppServerError } from "./base.js";

/**
 * Why a login did not succeed: `"cancelled"` by this client, `"replaced"` by a later login, `"denied"` by
 * the person or their organisation, or `"failed"` for any other reason.
 */
export type LoginFailureReason = "cancelled" | "denied" | "failed" | "replaced";

/** The server reported the end of a login, and that it did not succeed. Start another one. */
export class LoginFailedError extends AppServerError {
  override readonly code = "LOGIN_FAILED";
  readonly reason: LoginFailureReason;
  /** The attempt; `null` for logins without one, such as with an API key. */
  readonly loginId: string | null;
  /** The server's own sentence, with anything that may be a secret cut out; `null` without one. */
  readonly serverMessage: string | null;

  constructor(
    reason: LoginFailureReason,
    details: { loginId?: string | null; serverMessage?: unknown } = {},
  ) {
    const serverMessage = withoutSecrets(details.serverMessage);
    super(describe(reason, serverMessage));
    this.reason = reason;
    this.loginId = details.loginId ?? null;
    this.serverMessage = serverMessage;
  }
}

/**
 * The login did not end within `timeoutMs`. It was not cancelled: an attempt can be waited for again. A
 * login that still waited, for another one or for the server, will not begin (`sent` is false).
 */
export class LoginTimeoutError extends AppServerError {
  override readonly code = "LOGIN_TIMEOUT";
  readonly timeoutMs: number;

  constructor(timeoutMs: number, sent = true) {
    const outcome = sent
      ? "It was not cancelled and may still succeed: wait for it again, or cancel it."
      : "It had not begun and will not begin: start another one.";
    super(`The login did not end within ${timeoutMs} ms. ${outcome}`, { sent });
    this.timeoutMs = timeoutMs;
  }
}

function describe(reason: LoginFailureReason, serverMessage: string | null): string {
  switch (reason) {
    case "cancelled":
      return "The login was cancelled.";
    case "replaced":
      return "The login ended because another one was started: the server has one at a time.";
    default: {
      const problem = serverMessage ?? "the server gave no reason";
      return `The login ${reason === "denied" ? "was denied" : "failed"}: ${problem}`;
    }
  }
}

const longestWord = 24;
const longestMessage = 300;

/**
 * The sentence may quote the answer of a login server. Tokens, keys and addresses that carry them are long
 * and have no spaces; no word of a sentence is like that.
 */
function withoutSecrets(message: unknown): string | null {
  if (typeof message !== "string") return null;
  const words = new RegExp(`\\S{${longestWord + 1},}`, "g");
  return message.replace(words, "[…]").slice(0, longestMessage);
}
