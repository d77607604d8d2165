import { randomUUID } from "node:crypto";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type { FuzzyFileSearchResult } from "../../../generated/types.js";
import { onAbort } from "../../async/abort.js";
import { newest } from "../../async/backlog.js";
import { roughBytes } from "../../async/rough-bytes.js";
import { ignoreRejection } from "../../async/deferred.js";
import { checkText } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { GetSession, Session } from "../../session/session.js";
import { confirmEnd } from "../../session/confirm-end.js";
import { toServerPath } from "../../paths/server-files.js";
import { untilConnected } from "../../session/until-connected.js";
import { routeById } from "./routes.js";
import { Subscription } from "./subscription.js";

export interface SearchFilesOptions {
  /**
   * The directories to search, with everything below them that is not ignored by git (default: where the
   * server runs). A relative one starts at the working directory of this process when the server shares
   * its files (see `sharesFiles`), and is refused otherwise.
   */
  roots?: readonly string[] | undefined;
  /** Ends the search when it aborts. */
  signal?: AbortSignal | undefined;
}

export interface FileSearchOptions extends SearchFilesOptions {
  /** The first query; `update` changes it. */
  query?: string | undefined;
}

const searchFilesKeys: KeysOf<SearchFilesOptions> = { roots: true, signal: true };
const fileSearchKeys: KeysOf<FileSearchOptions> = { ...searchFilesKeys, query: true };

/** The files found for a query so far. */
export interface FileSearchResults {
  readonly query: string;
  /** The best matches, best first, at most 50; none for an empty query. */
  readonly files: readonly FuzzyFileSearchResult[];
  /** Whether the server has looked at everything. After a change of the query it may come early. */
  readonly complete: boolean;
}

/** One search, from the question to the answer. */
export async function searchFiles(
  getSession: GetSession,
  query: string,
  options: SearchFilesOptions = {},
): Promise<FuzzyFileSearchResult[]> {
  if (typeof query !== "string") throw new InvalidArgumentError("query", "must be a string");
  checkOptions("searchFiles()", options, searchFilesKeys);
  const { signal } = options;
  const roots = checkRoots(options);
  const cancellationToken = randomUUID();
  const session = await untilConnected(getSession, signal);
  const params = { query, roots: toServerRoots(session, roots), cancellationToken };
  // A second search with the same token puts an end to the first; this one finds nothing.
  const unlink = onAbort(signal, () => {
    void session.request("fuzzyFileSearch", { ...params, query: "" }).catch(() => undefined);
  });
  try {
    return (await session.request("fuzzyFileSearch", params, { signal })).files;
  } finally {
    unlink();
  }
}

/**
 * A search whose query changes while somebody types (`fuzzyFileSearch/sessionStart`). Each `update`
 * is followed by results, which get better until they are complete; iterate to see them. Only the
 * newest wait to be read, and those of older queries are left out.
 *
 * The directories are read once, at the start: what is created later is not found. Leaving the loop
 * ends the search, and so do `close()`, the signal, and the end of an `await using` block. The
 * iteration ends when the client is closed, and throws a TransportClosedError when the connection is
 * lost.
 */
export class FileSearch implements AsyncIteration<FileSearchResults>, AsyncDisposable {
  /** Resolves when the search has begun; rejects, as iterating does, when it never will. */
  readonly ready: Promise<void>;
  readonly #sessionId = randomUUID();
  readonly #subscription: Subscription<FileSearchResults>;
  #asked: { readonly query: string } | undefined;
  #lastUpdate: Promise<unknown> = Promise.resolve();
  /** The results of the newest query, and whether they are complete; the server tells in any order. */
  #results: FileSearchResults | undefined;
  #complete = false;

  /** @internal Use `fileSearch`. */
  constructor(getSession: GetSession, options: FileSearchOptions = {}) {
    checkOptions("fileSearch()", options, fileSearchKeys);
    const roots = checkRoots(options);
    const sessionId = this.#sessionId;
    this.#subscription = new Subscription(
      getSession,
      {
        listen: (session, push) => [
          routeById(session, "fuzzyFileSearch/sessionUpdated", "sessionId", sessionId, (params) => {
            const { query, files } = params;
            if (query !== this.#asked?.query) return;
            this.#results = { query, files, complete: this.#complete };
            push(this.#results);
          }),
          routeById(session, "fuzzyFileSearch/sessionCompleted", "sessionId", sessionId, () => {
            void this.#completed(session, push);
          }),
        ],
        open: async (session, request) => {
          const params = { sessionId, roots: toServerRoots(session, roots) };
          return session.request("fuzzyFileSearch/sessionStart", params, request);
        },
        close: (session) =>
          confirmEnd(
            session,
            "fuzzyFileSearch/sessionStop",
            { sessionId },
            session.connectionSignal,
          ),
        backlog: newest<FileSearchResults>(1, roughBytes),
        name: ["The file search", "codex.fileSearch()"],
      },
      options.signal,
    );
    this.ready = ignoreRejection(this.#subscription.ready.then(() => undefined));
    if (options.query !== undefined) void this.update(options.query).catch(() => undefined);
  }

  /**
   * Changes the query (`fuzzyFileSearch/sessionUpdate`). Resolves when the server has taken it, or when a
   * newer query replaced it; the results come by iterating.
   *
   * @throws HandleClosedError after the end of the search, or the error that kept it from beginning.
   */
  async update(query: string): Promise<void> {
    if (typeof query !== "string") throw new InvalidArgumentError("query", "must be a string");
    const asked = { query };
    this.#asked = asked;
    this.#results = undefined;
    this.#complete = false;
    const updated = this.#lastUpdate.then(async () => {
      const session = await this.#subscription.session();
      if (this.#asked !== asked) return;
      await session.call("fuzzyFileSearch/sessionUpdate", { sessionId: this.#sessionId, query });
    });
    this.#lastUpdate = updated.catch(() => undefined);
    await updated;
  }

  next(): Promise<IteratorResult<FileSearchResults, undefined>> {
    return this.#subscription.queue.next();
  }

  /** Ends the search, as leaving a loop does. */
  return(): Promise<IteratorResult<FileSearchResults, undefined>> {
    return this.#subscription.queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the search, and waits until the server has done so. Never rejects. */
  close(): Promise<void> {
    return this.#subscription.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The server sends the last results and the news that they are the last at the same time, in any
   * order: when it has answered something else, both are here.
   */
  async #completed(session: Session, push: (results: FileSearchResults) => void): Promise<void> {
    const asked = this.#asked;
    try {
      await this.#lastUpdate;
      await session.call("fs/unwatch", { watchId: this.#sessionId });
    } catch {
      return;
    }
    if (this.#asked !== asked) return;
    this.#complete = true;
    if (!this.#results || this.#results.complete) return;
    this.#results = { ...this.#results, complete: true };
    push(this.#results);
  }
}

function checkRoots({ roots }: SearchFilesOptions): readonly string[] | undefined {
  if (roots === undefined) return undefined;
  if (!(Array.isArray as (value: unknown) => boolean)(roots) || roots.length === 0) {
    throw new InvalidArgumentError("roots", "must be an array of at least one directory");
  }
  roots.forEach((root, index) => {
    checkText(`roots[${index}]`, root);
  });
  return [...roots];
}

/** By default, the directory in which the server runs, whichever that is. */
function toServerRoots({ serverFiles }: Session, roots: readonly string[] | undefined): string[] {
  if (roots === undefined) return ["."];
  return roots.map((root, index) => toServerPath(serverFiles, `roots[${index}]`, root));
}
