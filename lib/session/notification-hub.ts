import { onAbort } from "../async/abort.js";
import { EventQueue } from "../async/event-queue.js";
import type { Logger } from "../async/logger.js";
import { roughBytes } from "../async/rough-bytes.js";
import { TransportClosedError, type CloseReason } from "../errors/connection-errors.js";
import { SlowConsumerError } from "../errors/slow-consumer-error.js";
import type { BacklogBudget } from "../async/backlog-budget.js";
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
  /** The open iterations, each with what unlinks it from its signal. */
  readonly #queues = new Map<EventQueue<NotificationMessage>, () => void>();
  #closed: CloseReason | undefined;

  constructor(
    logger: Required<Logger>,
    backlogs: BacklogBudget,
    surviving?: NotificationListeners,
  ) {
    this.#backlogs = backlogs;
    this.#listeners = new NotificationListeners(logger);
    this.#surviving = surviving;
  }

  publish(message: NotificationMessage): void {
    for (const queue of this.#queues.keys()) queue.push(message);
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
  iterate(signal: AbortSignal | undefined): EventQueue<NotificationMessage> {
    const leave = (): void => {
      this.#leave(queue);
    };
    const queue = new EventQueue<NotificationMessage>(leave, {
      ...lag,
      maxWeight: maxBacklogBytes,
      weigh: roughBytes,
      keyOf: supersedingKey,
      overflow: () => {
        leave();
        return tooSlow();
      },
    });
    queue.countIn(this.#backlogs);
    if (this.#closed) {
      finish(queue, this.#closed);
      return queue;
    }
    const unlink = onAbort(signal, (reason) => {
      this.#leave(queue);
      queue.fail(reason);
    });
    this.#queues.set(queue, unlink);
    return queue;
  }

  close(reason: CloseReason): void {
    this.#closed = reason;
    for (const queue of [...this.#queues.keys()]) {
      this.#leave(queue);
      finish(queue, reason);
    }
    this.#listeners.clear();
  }

  #leave(queue: EventQueue<NotificationMessage>): void {
    this.#queues.get(queue)?.();
    this.#queues.delete(queue);
  }
}

function tooSlow(): SlowConsumerError {
  const cure = "Read on while they come, or follow only what you need, with on(method, listener).";
  return new SlowConsumerError(`${maxBacklogBytes} bytes of notifications`, cure);
}

/** Closing was the caller's wish; anything else must not look like a natural end. */
function finish(queue: EventQueue<NotificationMessage>, reason: CloseReason): void {
  if (reason.kind === "closed") queue.end();
  else queue.fail(new TransportClosedError(reason));
}
