import { CursorTrail } from "./cursor-trail.js";
import { ProtocolError } from "../errors/connection-errors.js";
import { NoNextPageError } from "../errors/list-errors.js";

/** The server's answer with a page. */
export interface PageAnswer<T> {
  readonly data: readonly T[];
  readonly nextCursor?: string | null;
  readonly backwardsCursor?: string | null;
}

/** Asks for the page that the cursor names, or for the first one. */
type FetchPage<T> = (cursor: string | undefined) => Promise<PageAnswer<T>>;

/** The params of a list for the page that `cursor` names; the first one begins where the params themselves say. */
export function pageAt<Params extends object>(params: Params, cursor: string | undefined): Params {
  return cursor === undefined ? params : { ...params, cursor };
}

/**
 * One page of a list. `data` has its entries; iterate the page itself for these and the entries of all
 * later pages, which are fetched as the loop goes on. Other fields that the server has sent with the page
 * are properties, too.
 */
export class Page<T> implements AsyncIterable<T> {
  /** The entries of this page alone. */
  readonly data: readonly T[];
  /** The cursor of the next page; `null` on the last one. Give it as `cursor`. */
  readonly nextCursor: string | null;
  /**
   * The cursor for going back; `null` when there is nothing. Give it as `cursor`, with the other sort
   * direction.
   */
  declare readonly backwardsCursor?: string | null;
  readonly #fetch: FetchPage<T>;
  readonly #trail: CursorTrail;

  /** @internal */
  constructor(answer: PageAnswer<T>, fetch: FetchPage<T>, trail: CursorTrail) {
    const { data, nextCursor } = (answer as { data?: unknown; nextCursor?: unknown } | null) ?? {};
    if (!Array.isArray(data)) {
      throw new ProtocolError(
        "The server's answer for a page of a list has no entries. Check that it is a codex app-server.",
      );
    }
    this.data = data as T[];
    this.nextCursor = typeof nextCursor === "string" ? nextCursor : null;
    this.#fetch = fetch;
    this.#trail = trail;
    for (const [name, value] of Object.entries(answer)) {
      if (!(name in this)) Object.defineProperty(this, name, { value, enumerable: true });
    }
  }

  /** Whether there is a next page that this walk over the list has not been to yet. */
  hasNextPage(): boolean {
    return this.#next() !== undefined;
  }

  /**
   * Fetches the next page.
   *
   * @throws NoNextPageError on the last page: ask `hasNextPage()` first.
   */
  async getNextPage(): Promise<Page<T>> {
    const next = this.#next();
    if (next === undefined) throw new NoNextPageError();
    return new Page(await this.#fetch(next), this.#fetch, this.#trail.followedBy(next));
  }

  /** Iterates this page, then each later page. */
  async *iterPages(): AsyncGenerator<Page<T>, void, undefined> {
    for (let page = this as Page<T>; ; page = await page.getNextPage()) {
      yield page;
      if (!page.hasNextPage()) return;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.iterPages()) yield* page.data;
  }

  /** A server that sends a cursor again would keep a walk going round for ever. */
  #next(): string | undefined {
    const { nextCursor: next } = this;
    return next === null || this.#trail.has(next) ? undefined : next;
  }
}

/**
 * A list that the server gives out in pages. Nothing is sent until you await it, which gives the first
 * page, or iterate it, which gives every entry of every page, fetched as the loop goes on. The first page
 * is fetched once, however often the list is awaited and iterated: call the method again for a new look.
 */
export class Pages<T> implements AsyncIterable<T>, Promise<Page<T>> {
  readonly [Symbol.toStringTag] = "Pages";
  readonly #fetch: FetchPage<T>;
  #first: Promise<Page<T>> | undefined;

  /** @internal */
  constructor(fetch: FetchPage<T>) {
    this.#fetch = fetch;
  }

  /** Fetches one page: the one that `cursor` names, or the first. */
  page(cursor?: string): Promise<Page<T>> {
    if (cursor !== undefined) return this.#get(cursor);
    this.#first ??= this.#get(undefined);
    return this.#first;
  }

  /** Fetches every entry of every page. Mind the size of the list. */
  async all(): Promise<T[]> {
    const entries: T[] = [];
    for await (const entry of this) entries.push(entry);
    return entries;
  }

  /** Fetches the first page, when the list is awaited. */
  then<Result = Page<T>, Failure = never>(
    onPage?: ((page: Page<T>) => Result | PromiseLike<Result>) | null,
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.page().then(onPage, onError);
  }

  catch<Failure = never>(
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Page<T> | Failure> {
    return this.page().catch(onError);
  }

  finally(onSettled?: (() => void) | null): Promise<Page<T>> {
    return this.page().finally(onSettled);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    yield* await this.page();
  }

  async #get(cursor: string | undefined): Promise<Page<T>> {
    const trail = cursor === undefined ? CursorTrail.start : CursorTrail.start.followedBy(cursor);
    return new Page(await this.#fetch(cursor), this.#fetch, trail);
  }
}
