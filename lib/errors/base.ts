import type { AppServerErrorCode } from "./error-codes.js";

const brand = Symbol.for("codex-app-server-sdk.AppServerError");

/** Details that any error may have. */
export interface ErrorDetails extends ErrorOptions {
  /** See `AppServerError.sent` (default true: what is not known must not be repeated blindly). */
  readonly sent?: boolean | undefined;
}

/**
 * The base of every error this library makes. `code` is stable and meant for `switch`; `message`
 * is for people and may change.
 *
 * Two rejections are not of this class: an aborted call rejects with its `signal.reason`, untouched,
 * and errors thrown by your own callbacks stay yours.
 */
export abstract class AppServerError extends Error {
  /** Stable identifier of the kind of failure, e.g. `"TRANSPORT_CLOSED"`. */
  abstract readonly code: AppServerErrorCode;
  /**
   * Whether the failed request had been sent to the server. With false the server has nothing to carry
   * out, so repeating the call does nothing twice. With true the error's class says what became of it; see
   * docs/reliability.md.
   */
  readonly sent: boolean;

  constructor(message: string, options?: ErrorDetails) {
    super(message, options);
    this.sent = options?.sent ?? true;
    this.name = new.target.name;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Whether `error` was made by this library, or by another installed copy of it. */
export function isAppServerError(error: unknown): error is AppServerError {
  return typeof error === "object" && error !== null && brand in error;
}

/**
 * Keeps out of logs what users, models and servers have said: the properties can be read as any
 * other, but are not printed, nor written as JSON, with the error.
 */
export function hide<E extends AppServerError>(error: E, ...names: (keyof E)[]): void {
  for (const name of names) Object.defineProperty(error, name, { enumerable: false });
}
