import type { Logger } from "../async/logger.js";
import { roughBytes } from "../async/rough-bytes.js";
import { TransportClosedError, type CloseReason } from "../errors/connection-errors.js";
import { SlowConsumerError } from "../errors/slow-consumer-error.js";
import type { BacklogBudget } from "../async/backlog-budget.js";
import { Following } from "../jsonrpc/following.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { NotificationListeners } from "./notification-listeners.js";
import { lag, supersedingKey } from "../messages/superseding.js";

/** How much may wait for whoever iterates (bytes, roughly). */
const maxBacklogBytes = 67_108_864;

/** Hands every notification to whoever asked for it, whatever thread or turn it is about. */
export class NotificationHub {
  readonly #backlogs: BacklogBudget;
  readonly #listeners: NotificationListeners;
  /** Those that were there before this connection, and stay when it is over. */
  readonly #surviving: NotificationListeners | undefined;
  readonly #readers = new Set<Following<NotificationMessage>>();
  #closed: TransportClosedError | undefined;

  constructor(
    logger: Required<Logger>,
    backlogs: BacklogBudget,
    surviving?: NotificationListeners,
  ) {
    this.#backlogs = backlogs;
    this.#listeners = new NotificationListeners(logger);
    this.#surviving = surviving;
  }

  /** Whether somebody listens who would miss something if this connection ended. */
  get isFollowed(): boolean {
    return this.#readers.size > 0 || !this.#listeners.isEmpty;
  }

  publish(message: NotificationMessage): void {
    for (const reader of this.#readers) reader.push(message);
    this.#listeners.publish(message);
    this.#surviving?.publish(message);
  }

  /** Returns the function that takes the listener away again. */
  on(method: string, listener: (message: NotificationMessage) => void): () => void {
    return this.#listeners.on(method, listener);
  }

  /**
   * All notifications from now on; it ends with the connection, and throws a SlowConsumerError when
   * too many wait to be read.
   */
  iterate(signal: AbortSignal | undefined): Following<NotificationMessage> {
    const reader = new Following<NotificationMessage>({
      ...lag,
      maxWeight: maxBacklogBytes,
      weigh: roughBytes,
      keyOf: supersedingKey,
      overflow: tooSlow,
    });
    reader.countIn(this.#backlogs);
    if (this.#closed) {
      reader.lost(this.#closed);
      return reader;
    }
    reader.joins(this.#readers);
    reader.stopOn(signal);
    return reader;
  }

  close(reason: CloseReason): void {
    this.#closed = new TransportClosedError(reason);
    for (const reader of this.#readers) reader.lost(this.#closed);
    this.#listeners.clear();
  }
}

function tooSlow(): SlowConsumerError {
  const cure = "Read on while they come, or follow only what you need, with on(method, listener).";
  return new SlowConsumerError(`${maxBacklogBytes} bytes of notifications`, cure);
}
