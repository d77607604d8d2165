import type { ThreadSearchResult } from "../../../generated/types.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { roughBytes } from "../../async/rough-bytes.js";
import { checkSignal, checkText, checkTimeout } from "../../errors/check-values.js";
import { copyError } from "../../errors/connection-errors.js";
import { HandleClosedError } from "../../errors/machine-errors.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { GetSession, Session } from "../../session/session.js";
import { pageAt, Pages, type Page } from "../../options/pages.js";
import { Following } from "../../jsonrpc/following.js";
import type { ParamsOf } from "../../protocol.js";
import { foundIdOf, searchPage, type SearchQuery } from "./search-page.js";
import { checkParams } from "../resource.js";

/** The threads to search, as in `thread/search`. */
export type SearchThreadsOptions = Omit<ParamsOf<"thread/search">, "searchTerm" | "cursor">;

/** The threads to search, as in `thread/search/stream`, and how long to wait. */
export interface ThreadSearchOptions extends SearchThreadsOptions {
  /** Ends the search when it aborts; iterating then throws `signal.reason`. */
  signal?: AbortSignal | undefined;
  /**
   * How long to wait for each page (ms; default: `requestTimeoutMs` of the client). `Infinity` waits for
   * ever. Until the page is there, each thread that is found early is yielded at once.
   */
  timeoutMs?: number | undefined;
}

/** More than this of what was found early does not wait: the page brings it again (bytes, roughly). */
const maxEarlyBytes = 1_048_576;

/**
 * A search for a text in the stored threads that tells of some threads before the server has looked at
 * all (`thread/search/stream`, new in codex 0.171.0). Iterate it for the threads: first those that are
 * found early, in any order, then the others, page by page, in the order of `sortKey`; each thread once.
 * When the loop ends by itself, the server has looked at everything.
 *
 * It begins at once, and a page is asked for when the one before it has been read. Leaving the loop ends
 * the search on the server, too, and so do `close()`, the signal, and the end of an `await using` block.
 * Iterating throws a TransportClosedError when the connection is lost or closed while a page is awaited, a
 * MethodNotFoundError when the server is older, a RequestTimeoutError, or what the server refuses with.
 */
export class ThreadSearch implements AsyncIteration<ThreadSearchResult>, AsyncDisposable {
  /**
   * The first page in the order of `sortKey`, as `searchThreads()` gives it: show it in the place of the
   * threads that were found early. Rejects with what iterating throws, or with a HandleClosedError when
   * the search was ended before; not awaiting it is fine.
   */
  readonly firstPage: Promise<Page<ThreadSearchResult>>;
  readonly #first = new Deferred<Page<ThreadSearchResult>>();
  readonly #queue: Following<ThreadSearchResult>;
  /** The ids of the threads that were yielded, or wait to be. */
  readonly #known = new Set<string>();
  /** Aborts when nobody wants to know any more. */
  readonly #over = new AbortController();
  readonly #walk: Promise<void>;
  /** The number of waiting calls of `next()`, and a promise that the first of them resolves. */
  #waiting = 0;
  #wanted = new Deferred<void>();

  /** @internal Use `codex.threadSearch()`. */
  constructor(getSession: GetSession, searchTerm: string, options: ThreadSearchOptions = {}) {
    checkText("searchTerm", searchTerm);
    checkParams("threadSearch()", "thread/search", options, { signal: true, timeoutMs: true });
    const { signal, timeoutMs, ...given } = options;
    checkSignal(signal);
    if (timeoutMs !== undefined) checkTimeout(timeoutMs);
    this.firstPage = ignoreRejection(this.#first.promise);
    // A page at most waits, as it would in a list; all consumers together have a limit.
    const backlog = { maxWeight: Infinity, weigh: roughBytes, overflow: tooSlow };
    this.#queue = new Following<ThreadSearchResult>(backlog, () => this.close());
    this.#queue.holds((reason) => {
      const end =
        reason === undefined ? new HandleClosedError("The search", "codex.threadSearch()") : reason;
      this.#over.abort(end);
      this.#first.reject(copyError(end));
      this.#wanted.resolve();
    });
    this.#queue.stopOn(signal);
    const query = toQuery(searchTerm, given);
    this.#walk = signal?.aborted ? Promise.resolve() : this.#search(getSession, query, timeoutMs);
  }

  next(): Promise<IteratorResult<ThreadSearchResult, undefined>> {
    if (this.#queue.size === 0) {
      this.#waiting += 1;
      this.#wanted.resolve();
    }
    return this.#queue.next();
  }

  /** Ends the search, as leaving a loop does. */
  return(): Promise<IteratorResult<ThreadSearchResult, undefined>> {
    return this.#queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the search, and waits until the server has done so. Never rejects. */
  close(): Promise<void> {
    this.#queue.end();
    return this.#walk;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #search(getSession: GetSession, query: SearchQuery, timeoutMs: number | undefined) {
    const { signal } = this.#over;
    const found = (results: readonly ThreadSearchResult[]): void => {
      for (const result of results) {
        if (this.#queue.weight < maxEarlyBytes) this.#add(result);
      }
    };
    const counted = async (): Promise<Session> => {
      const session = await getSession();
      this.#queue.countIn(session.backlogs);
      return session;
    };
    const pages = new Pages((cursor) =>
      searchPage(counted, pageAt(query, cursor), { signal, timeoutMs, found }),
    );
    try {
      let page = await pages;
      this.#first.resolve(withPlainPages(page, getSession, query));
      for (;;) {
        // It may have come in the moment in which it was ended.
        if (this.#isOver()) return;
        for (const result of page.data) this.#add(result);
        if (!page.hasNextPage()) break;
        await this.#untilWanted();
        if (this.#isOver()) return;
        page = await page.getNextPage();
      }
      this.#queue.end();
    } catch (error) {
      this.#queue.fail(error);
    }
  }

  /** Yields a thread once. What cannot be told apart from others is yielded as it comes. */
  #add(result: ThreadSearchResult): void {
    const id = foundIdOf(result);
    if (id !== undefined) {
      if (this.#known.has(id)) return;
      this.#known.add(id);
    }
    if (this.#waiting > 0) this.#waiting -= 1;
    this.#queue.push(result);
  }

  /** Resolves when everything has been read, and more is wanted; or when nothing is any more. */
  async #untilWanted(): Promise<void> {
    if (this.#waiting > 0) return;
    this.#wanted = new Deferred();
    await this.#wanted.promise;
  }

  #isOver(): boolean {
    return this.#queue.isOver;
  }
}

/** The params of a search, sorted so that no server leaves out threads, unless `options` say otherwise. */
export function toQuery(searchTerm: string, options: SearchThreadsOptions): SearchQuery {
  return { ...options, sortKey: options.sortKey ?? "updated_at", searchTerm };
}

/** A page whose next ones do not depend on the search that has brought it. */
function withPlainPages(
  page: Page<ThreadSearchResult>,
  getSession: GetSession,
  query: SearchQuery,
): PromiseLike<Page<ThreadSearchResult>> {
  return new Pages(async (cursor) => {
    if (cursor === undefined) return page;
    return (await getSession()).call("thread/search", { ...query, cursor });
  });
}

function tooSlow(): SlowConsumerError {
  return new SlowConsumerError(
    "a page of threads",
    "The search has ended: start another, and read its results sooner.",
  );
}
