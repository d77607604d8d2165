import type { Logger } from "../async/logger.js";
import type { ObservedNotification } from "../messages/observed-notifications.js";
import type { ServerNotification } from "../protocol.js";
import type { Call } from "./call.js";
import type { ThreadMemory } from "./thread-memory.js";
import type { Threads } from "./threads.js";

/** What opening a thread needs: a Session, or while that is restored, its calls over the new connection. */
export interface OpeningSession {
  readonly call: Call;
  readonly memory: ThreadMemory;
  readonly threads: Threads;
  readonly logger: Required<Logger>;
  on<M extends ObservedNotification>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void;
}
