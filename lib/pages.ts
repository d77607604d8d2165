/** One page of a list. */
export interface Page<T> {
  readonly data: readonly T[];
  /** Give it as `cursor` to get the next page; `null` on the last one. */
  readonly nextCursor: string | null;
  /** Give it as `cursor`, with the other sort direction, to go back; `null` when there is nothing. */
  readonly backwardsCursor?: string | null;
}

/**
 * A list that the server gives out in pages. Iterate it to get every entry of every page, fetched
 * as the loop goes on; or take single pages with `page()`, or everything with `all()`.
 */
export class Pages<T> implements AsyncIterable<T> {
  readonly #fetch: (cursor: string | undefined) => Promise<Page<T>>;

  /** @internal */
  constructor(fetch: (cursor: string | undefined) => Promise<Page<T>>) {
    this.#fetch = fetch;
  }

  /** One page: the one that `cursor` names, or the first. */
  page(cursor?: string): Promise<Page<T>> {
    return this.#fetch(cursor);
  }

  /** Every entry of every page. Mind the size of what you ask for. */
  async all(): Promise<T[]> {
    const entries: T[] = [];
    for await (const entry of this) entries.push(entry);
    return entries;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let cursor: string | undefined;
    for (;;) {
      const page = await this.#fetch(cursor);
      yield* page.data;
      // A server that repeats a cursor, or leaves it out, would keep us here for ever.
      const next: unknown = page.nextCursor;
      if (typeof next !== "string" || next === cursor) return;
      cursor = next;
    }
  }
}
