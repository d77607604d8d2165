import { newest } from "../../async/backlog.js";
import { Following } from "../../jsonrpc/following.js";
import type { GetSession, Session } from "../../session/session.js";
import type { KnownRateLimits } from "../../results/rate-limits.js";

/**
 * The known rate limits, now and after each change. A late reader gets the newest only. It holds nothing
 * before the first `next()`, and nothing after the loop was left.
 */
export class RateLimitsWatch extends Following<KnownRateLimits> {
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
