import { randomUUID } from "node:crypto";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type { FuzzyFileSearchResult } from "../../../generated/types.js";
import { onAbort } from "../../async/abort.js";
import { newest } from "../../async/backlog.js";
import { roughBytes } from "../../async/rough-bytes.js";
import { check, checkTextList, filledArray, string } from "../../errors/check-values.js";
import type { GetSession, Session } from "../../session/session.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { confirmEnd } from "../../session/confirm-end.js";
import { toServerPath } from "../../paths/server-files.js";
import { untilConnected } from "../../session/until-connected.js";
import { routeById } from "./route-by-id.js";
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
  check("query", query, string);
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
export class FileSearch extends Subscription<FileSearchResults> {
  readonly #sessionId = randomUUID();
  readonly #roots: readonly string[] | undefined;
  #asked: { readonly query: string } | undefined;
  #lastUpdate: Promise<unknown> = Promise.resolve();
  /** The results of the newest query, and whether they are complete; the server tells in any order. */
  #results: FileSearchResults | undefined;
  #complete = false;

  /** @internal Use `fileSearch`. */
  constructor(getSession: GetSession, options: FileSearchOptions = {}) {
    checkOptions("fileSearch()", options, fileSearchKeys);
    const roots = checkRoots(options);
    super(getSession, {
      backlog: newest<FileSearchResults>(1, roughBytes),
      name: ["The file search", "codex.fileSearch()"],
      signal: options.signal,
    });
    this.#roots = roots;
    if (options.query !== undefined) void this.update(options.query).catch(() => undefined);
  }

  /**
   * Changes the query (`fuzzyFileSearch/sessionUpdate`). Resolves when the server has taken it, or when a
   * newer query replaced it; the results come by iterating.
   *
   * @throws HandleClosedError after the end of the search, or the error that kept it from beginning.
   */
  async update(query: string): Promise<void> {
    check("query", query, string);
    const asked = { query };
    this.#asked = asked;
    this.#results = undefined;
    this.#complete = false;
    const updated = this.#lastUpdate.then(async () => {
      const session = await this.session();
      if (this.#asked !== asked) return;
      await session.call("fuzzyFileSearch/sessionUpdate", { sessionId: this.#sessionId, query });
    });
    this.#lastUpdate = updated.catch(() => undefined);
    await updated;
  }

  /** @internal */
  protected override listen(session: Session): readonly (() => void)[] {
    const id = this.#sessionId;
    return [
      routeById(session, "fuzzyFileSearch/sessionUpdated", "sessionId", id, ({ query, files }) => {
        if (query !== this.#asked?.query) return;
        this.#results = { query, files, complete: this.#complete };
        this.push(this.#results);
      }),
      routeById(session, "fuzzyFileSearch/sessionCompleted", "sessionId", id, () => {
        void this.#completed(session);
      }),
    ];
  }

  /** @internal */
  protected override async begin(session: Session, options: RequestOptions): Promise<unknown> {
    const params = { sessionId: this.#sessionId, roots: toServerRoots(session, this.#roots) };
    return session.request("fuzzyFileSearch/sessionStart", params, options);
  }

  /** @internal */
  protected override end(session: Session): Promise<unknown> {
    const params = { sessionId: this.#sessionId };
    return confirmEnd(session, "fuzzyFileSearch/sessionStop", params, session.connectionSignal);
  }

  /**
   * The server sends the last results and the news that they are the last at the same time, in any
   * order: when it has answered something else, both are here.
   */
  async #completed(session: Session): Promise<void> {
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
    this.push(this.#results);
  }
}

function checkRoots({ roots }: SearchFilesOptions): readonly string[] | undefined {
  if (roots === undefined) return undefined;
  check("roots", roots, filledArray);
  checkTextList("roots", roots);
  return [...roots];
}

/** By default, the directory in which the server runs, whichever that is. */
function toServerRoots({ serverFiles }: Session, roots: readonly string[] | undefined): string[] {
  if (roots === undefined) return ["."];
  return roots.map((root, index) => toServerPath(serverFiles, `roots[${index}]`, root));
}
