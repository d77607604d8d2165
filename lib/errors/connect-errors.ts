import { AppServerError } from "./base.js";

/** An optional package that this needs is not installed. The message says how to install it. */
export class MissingDependencyError extends AppServerError {
  override readonly code = "MISSING_DEPENDENCY";
  override readonly sent = false;
  /** The name of the package. */
  readonly dependency: string;

  constructor(dependency: string, install: string, purpose: string, options?: ErrorOptions) {
    super(`${purpose}, the package ${dependency} is needed: npm install ${install}`, options);
    this.dependency = dependency;
  }
}

/** Details of a connection that could not be made. */
export interface ConnectFailure {
  /** The HTTP status of the answer, when the server, or what stands before it, refused. */
  readonly statusCode?: number | undefined;
  /** Whether a later attempt may succeed without anything being changed. */
  readonly retryable: boolean;
}

/** A listening server could not be reached, or refused the connection before the protocol began. */
export class ConnectError extends AppServerError {
  override readonly code = "CONNECT_FAILED";
  override readonly sent = false;
  /** The HTTP status of the refusal, such as 401; `undefined` when there was none. */
  readonly statusCode: number | undefined;
  /**
   * Whether a later attempt may succeed without anything being changed: true when nobody listens or
   * the way is interrupted, false when a token, a certificate or the address is wrong.
   */
  readonly retryable: boolean;

  /** `address` is the URL without its query. */
  constructor(address: string, problem: string, failure: ConnectFailure, options?: ErrorOptions) {
    super(`Could not connect to ${address}: ${problem}`, options);
    this.statusCode = failure.statusCode;
    this.retryable = failure.retryable;
  }
}
