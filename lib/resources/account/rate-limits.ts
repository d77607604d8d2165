import { randomUUID } from "node:crypto";
import { newest } from "../../async/backlog.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkOptions } from "../../errors/check-options.js";
import type { AddCreditsNudgeCreditType } from "../../../generated/types.js";
import { checkSignal } from "../../errors/check-values.js";
import { Following } from "../../jsonrpc/following.js";
import type { GetSession, Session } from "../../session/session.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import type { KnownRateLimits } from "../../results/rate-limits.js";
import { checkParams, Resource } from "../resource.js";

/** The credit to use for a reset, as in `account/rateLimitResetCredit/consume`. */
export interface ResetCreditOptions {
  /** The credit, from `read()`. Default: the server's choice. */
  creditId?: string | null | undefined;
  /** Identifies the attempt: give the same one when you repeat it. Default: a new one. */
  idempotencyKey?: string | undefined;
}

/** The account's rate limits, and how much of them it has used. */
export class RateLimits extends Resource {
  /**
   * Asks for all limits (`account/rateLimits/read`). Works with ChatGPT logins only.
   *
   * @throws InvalidRequestError with another login or none; InternalRpcError when the service fails.
   */
  async read(
    options: ParamsOf<"account/rateLimits/read"> = {},
  ): Promise<ResultOf<"account/rateLimits/read">> {
    checkParams("rateLimits.read()", "account/rateLimits/read", options);
    return this.call("account/rateLimits/read", options);
  }

  /**
   * Iterates the known limits: the current ones, if any are known, then the new state after each change
   * (`account/rateLimits/updated`), which mostly means after each answer of the model. A slow reader gets
   * only the newest state.
   *
   * An update tells only a part of the limits, and the rest is kept from before. Only `read()` tells that
   * a limit is no longer reached; its answer arrives here, too. The iteration ends when the client is
   * closed, and throws a TransportClosedError when the connection is lost, or `signal.reason`.
   */
  watch(options: { signal?: AbortSignal | undefined } = {}): AsyncIteration<KnownRateLimits> {
    checkOptions("rateLimits.watch()", options, { signal: true });
    checkSignal(options.signal);
    return new RateLimitsWatch(this.getSession, options.signal);
  }

  /**
   * Spends a credit on resetting the limits that are used up (`account/rateLimitResetCredit/consume`).
   * Tells whether that had an effect.
   */
  async useResetCredit(
    options: ResetCreditOptions = {},
  ): Promise<ResultOf<"account/rateLimitResetCredit/consume">["outcome"]> {
    checkParams("rateLimits.useResetCredit()", "account/rateLimitResetCredit/consume", options);
    const { creditId, idempotencyKey = randomUUID() } = options;
    const params = { creditId, idempotencyKey };
    return (await this.call("account/rateLimitResetCredit/consume", params)).outcome;
  }

  /**
   * Sends the owner of the workspace a mail that asks for credits or a higher limit
   * (`account/sendAddCreditsNudgeEmail`). `"cooldown_active"` says that one was sent not long ago.
   */
  async askOwner(
    creditType: AddCreditsNudgeCreditType,
  ): Promise<ResultOf<"account/sendAddCreditsNudgeEmail">["status"]> {
    return (await this.call("account/sendAddCreditsNudgeEmail", { creditType })).status;
  }
}

/**
 * The known rate limits, now and after each change. A late reader gets the newest only. It holds nothing
 * before the first `next()`, and nothing after the loop was left.
 */
class RateLimitsWatch extends Following<KnownRateLimits> {
  readonly #getSession: GetSession;
  readonly #signal: AbortSignal | undefined;
  #started: Promise<void> | undefined;

  constructor(getSession: GetSession, signal: AbortSignal | undefined) {
    super(newest(1));
    this.#getSession = getSession;
    this.#signal = signal;
  }

  override next(): Promise<IteratorResult<KnownRateLimits, undefined>> {
    this.#started ??= this.#start();
    return super.next();
  }

  async #start(): Promise<void> {
    if (this.isOver) return;
    this.stopOn(this.#signal);
    if (this.#signal?.aborted) return;
    try {
      this.#follow(await this.#getSession());
    } catch (error) {
      this.fail(error);
    }
  }

  #follow(session: Session): void {
    if (this.isOver) return;
    const offer = (): void => {
      const known = session.rateLimits.current;
      if (known) this.push(known);
    };
    offer();
    this.holds(session.rateLimits.onChange(offer));
    this.endWith(session.signal);
  }
}
