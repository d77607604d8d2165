/** One backlog's waiting items, as its budget counts them. */
interface Account {
  bytes: number;
  /** Its backlog keeps this alive, and nobody else: one that nobody can read any more is collected. */
  readonly drop: WeakRef<Drop>;
}

/** Drops all that waits in a backlog, whose consumer is thrown `reason`. */
export interface Drop {
  (reason: unknown): void;
  /** Whether it waits for a consumer that mostly never comes. */
  readonly isSpare?: (() => boolean) | undefined;
}

/**
 * How much may wait for all consumers of a client together. When it is more, the backlog that holds most
 * is dropped: its consumer lags furthest behind. But first those go that nobody reads.
 */
export class BacklogBudget {
  readonly #maxBytes: number;
  readonly #tooMuch: () => unknown;
  /** Those that have something waiting. */
  readonly #accounts = new Set<Account>();
  readonly #collected = new FinalizationRegistry<Account>((account) => {
    this.#add(account, -account.bytes);
  });
  #bytes = 0;

  /** `tooMuch` makes what the consumer is thrown whose backlog is dropped. */
  constructor(maxBytes = Infinity, tooMuch: () => unknown = () => undefined) {
    this.#maxBytes = maxBytes;
    this.#tooMuch = tooMuch;
  }

  /** How much waits at this moment. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Counts a backlog in: the function that it returns is to be called with each change of what waits
   * there (bytes). `drop` has to be kept for as long as the backlog is.
   */
  open(drop: Drop): (change: number) => void {
    const account: Account = { bytes: 0, drop: new WeakRef(drop) };
    this.#collected.register(drop, account);
    return (change) => {
      this.#add(account, change);
      if (this.#bytes > this.#maxBytes) this.#dropLargest();
    };
  }

  #add(account: Account, change: number): void {
    if (account.bytes === 0) this.#accounts.add(account);
    account.bytes += change;
    this.#bytes += change;
    if (account.bytes === 0) this.#accounts.delete(account);
  }

  #dropLargest(): void {
    while (this.#bytes > this.#maxBytes) {
      let next: { account: Account; drop: Drop | undefined; isSpare: boolean } | undefined;
      for (const account of this.#accounts) {
        const drop = account.drop.deref();
        const isSpare = drop === undefined || drop.isSpare?.() === true;
        const isLarger = !next || account.bytes > next.account.bytes;
        const isFirst = next && next.isSpare !== isSpare ? isSpare : isLarger;
        if (isFirst) next = { account, drop, isSpare };
      }
      if (!next) return;
      const { account, drop } = next;
      drop?.(this.#tooMuch());
      // A backlog that has just been collected tells nobody.
      if (account.bytes > 0) this.#add(account, -account.bytes);
    }
  }
}
