import { randomUUID } from "node:crypto";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type { BacklogRules } from "../../async/backlog.js";
import { roughBytes } from "../../async/rough-bytes.js";
import { checkText } from "../../errors/check-values.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { GetSession, Session } from "../../session/session.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { confirmEnd } from "../../session/confirm-end.js";
import { routeById } from "./route-by-id.js";
import { Subscription } from "./subscription.js";

export interface WatchOptions {
  /** Ends the watch when it aborts; iterating then throws `signal.reason`. */
  signal?: AbortSignal | undefined;
}

const watchKeys: KeysOf<WatchOptions> = { signal: true };

/**
 * A change: paths that were changed, created or removed. The server does not say which of these.
 */
export interface WatchEvent {
  /** Absolute paths, each once. */
  readonly changedPaths: readonly string[];
}

/**
 * The changes to a file, or to the direct entries of a directory (`fs/watch`). The server gathers the
 * changes of about 200 ms into one event, and an event that you have not read yet is merged with the next
 * one: no change is lost, however slow you are, and a path waits once, however often it changes. When more
 * than about 16 MiB of paths wait, the watch ends, and iterating throws a SlowConsumerError: start
 * another, and look at all files again.
 *
 * Leaving the loop ends the watch (`fs/unwatch`), and so do `close()`, the signal, and the end of an
 * `await using` block. A watch that is not iterated goes on until then. The iteration ends when the client
 * is closed, and throws a TransportClosedError when the connection is lost.
 */
export class Watch extends Subscription<WatchEvent> {
  /** The watched path, as it was given. */
  readonly path: string;
  readonly #watchId = randomUUID();

  /** @internal Use `watch`. */
  constructor(getSession: GetSession, path: string, options: WatchOptions = {}) {
    checkText("path", path);
    checkOptions("watch()", options, watchKeys);
    const { signal } = options;
    super(getSession, { backlog: unreadChanges, name: ["The watch", "codex.watch()"], signal });
    this.path = path;
  }

  /** @internal */
  protected override listen(session: Session): readonly (() => void)[] {
    const stop = routeById(session, "fs/changed", "watchId", this.#watchId, ({ changedPaths }) => {
      this.push({ changedPaths });
    });
    return [stop];
  }

  /** @internal */
  protected override begin(session: Session, options: RequestOptions): Promise<unknown> {
    const params = { watchId: this.#watchId, path: this.path };
    return session.call("fs/watch", params, options);
  }

  /** @internal */
  protected override end(session: Session): Promise<unknown> {
    const params = { watchId: this.#watchId };
    return confirmEnd(session, "fs/unwatch", params, session.connectionSignal);
  }
}

/** How much may wait to be read: some 100,000 paths (bytes). */
const maxUnreadBytes = 16 * 1_048_576;

const unreadChanges: BacklogRules<WatchEvent> = {
  maxWeight: maxUnreadBytes,
  weigh: roughBytes,
  mergeFrom: 1,
  startMerge: ({ changedPaths }) => {
    const paths = new Set(changedPaths);
    return {
      add: (next) => {
        let added = 0;
        for (const path of next.changedPaths) {
          if (paths.has(path)) continue;
          paths.add(path);
          added += roughBytes(path);
        }
        return added;
      },
      toItem: () => ({ changedPaths: [...paths] }),
    };
  },
  overflow: () =>
    new SlowConsumerError(
      `${maxUnreadBytes} bytes of changed paths`,
      "The watch has ended: start another, look at all files again, and read its changes sooner.",
    ),
};
