import { isError } from "../async/realms.js";
import { amount, checkObject, checkOrder, whole, type RulesOf } from "../errors/check-values.js";
import { ConnectError, MissingDependencyError } from "../errors/connect-errors.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { JsonRpcError, ServerBusyError } from "../errors/rpc-errors.js";
import { HandshakeError, IncompatibleServerError } from "../errors/start-errors.js";

/** Options for connecting again after a drop. */
export interface ReconnectOptions {
  /**
   * How many attempts are made in a row before the client gives up, and ends (default 40, which is
   * about five minutes). `Infinity` never gives up.
   */
  retries?: number | undefined;
  /** The pause before the first attempt (ms, default 200); each later one is twice as long. */
  minDelayMs?: number | undefined;
  /** The longest pause (ms, default 10,000). */
  maxDelayMs?: number | undefined;
}

const reconnectRules: RulesOf<ReconnectOptions> = {
  retries: whole(1, true),
  minDelayMs: amount,
  maxDelayMs: amount,
};

/**
 * When to try again. A connection that lasts no longer than the longest pause does not count as
 * restored: one that breaks again and again is given up, too.
 */
export class ReconnectSchedule {
  readonly #limits: { readonly [Name in keyof ReconnectOptions]-?: number };
  #attempts = 0;
  #upSince = performance.now();

  /** @throws InvalidArgumentError */
  constructor(options: ReconnectOptions = {}) {
    checkObject("reconnect", options, reconnectRules);
    const { retries = 40, minDelayMs = 200, maxDelayMs = 10_000 } = options;
    checkOrder({ minDelayMs, maxDelayMs }, "reconnect");
    this.#limits = { retries, minDelayMs, maxDelayMs };
  }

  /** How many attempts have been made in a row. */
  get attempts(): number {
    return this.#attempts;
  }

  up(): void {
    this.#upSince = performance.now();
  }

  down(): void {
    if (performance.now() - this.#upSince >= this.#limits.maxDelayMs) this.#attempts = 0;
  }

  /** The pause before the next attempt (ms); undefined when there is to be none. */
  next(): number | undefined {
    const { retries, minDelayMs, maxDelayMs } = this.#limits;
    if (this.#attempts >= retries) return undefined;
    const delayMs = Math.min(minDelayMs * 2 ** this.#attempts, maxDelayMs);
    this.#attempts += 1;
    // Many clients lose the same server at the same moment, and must not come back as one.
    return delayMs * (0.5 + Math.random() / 2);
  }
}

/** Whether another attempt may succeed without anything being changed. */
export function mayReconnect(error: unknown): boolean {
  if (error instanceof ConnectError) return error.retryable;
  if (error instanceof HandshakeError) {
    const { cause } = error;
    return !(cause instanceof JsonRpcError) || cause instanceof ServerBusyError;
  }
  if (error instanceof TransportClosedError) return true;
  return !(
    error instanceof IncompatibleServerError ||
    error instanceof InvalidArgumentError ||
    error instanceof MissingDependencyError
  );
}

/** The error of an attempt; a token function may throw anything. */
export function toError(problem: unknown): Error {
  return isError(problem) ? problem : new Error("it could not be restored");
}
