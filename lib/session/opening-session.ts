import type { Logger } from "../async/logger.js";
import type { ObservedNotification } from "../messages/observed-notifications.js";
import type { ServerNotification } from "../protocol.js";
import type { Call } from "./call.js";
import type { KnownSettings } from "./sandbox/known-settings.js";

/** What opening a thread needs: a Session, or while that is restored, its calls over the new connection. */
export interface OpeningSession {
  readonly call: Call;
  readonly known: KnownSettings;
  readonly logger: Required<Logger>;
  on<M extends ObservedNotification>(
    method: M,
    listener: (notification: ServerNotification<M>) => void,
  ): () => void;
  unload(threadId: string): void;
  /** Until `opened` has resolved, what the server asks on the thread waits: it may be given handlers then. */
  holdRequests(threadId: string, opened: Promise<void>): void;
}
