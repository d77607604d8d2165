import type { Logger } from "../async/logger.js";
import type { ObservedNotification } from "../messages/observed-notifications.js";
import type { ServerNotification } from "../protocol.js";
import type { Call } from "./call.js";
import type { ThreadMemory } from "./thread-memory.js";
import type { Threads } from "./threads.js";

/** The requests that load a stored thread, or copy one. */
export type OpeningMethod = "thread/resume" | "thread/fork";

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
