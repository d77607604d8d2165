import type { CloseReason } from "../errors/connection-errors.js";
import type { NotificationMessage } from "./message.js";
import { threadIdOf, turnIdOf } from "./notification-route.js";

/** Whoever follows a turn. Neither function may throw. */
export interface TurnSink {
  /** A notification about the turn, in wire order. */
  receive(message: NotificationMessage): void;
  /** The connection is over; nothing more will come. */
  connectionClosed(reason: CloseReason): void;
}

/** A turn that is being started and whose id is not known yet. */
export interface PendingTurn<Sink extends TurnSink> {
  /**
   * The turn got its id: `sink` receives what has come for it so far, then the rest. Returns the
   * sinks that were following this turn already, up to its end if it has ended meanwhile.
   */
  claim(turnId: string, sink: Sink): readonly Sink[];
  /** Ends the wait; needed once, whether the turn was claimed or not. */
  settle(): void;
}

interface ThreadRoutes<Sink> {
  readonly sinks: Map<string, Sink[]>;
  /** Events of turns that nobody follows, kept while a turn of this thread waits for its id. */
  readonly unclaimed: Map<string, NotificationMessage[]>;
  /** Turns that ended while a start was pending, which may turn out to have joined one of them. */
  readonly ended: Map<string, EndedTurn<Sink>>;
  pending: number;
}

/** Where the events of one turn go. */
interface Destination<Sink> {
  readonly threadId: string;
  readonly turnId: string;
  readonly thread: ThreadRoutes<Sink>;
  readonly sinks: readonly Sink[];
}

interface EndedTurn<Sink> {
  readonly sinks: readonly Sink[];
  readonly lastEvent: NotificationMessage;
}

/**
 * Brings each turn's notifications to its handle, by thread and turn id.
 *
 * The events of a turn may come before the answer that tells its id. So the thread is watched from
 * before `turn/start` is sent, and what comes for unknown turns is kept until the answer is there.
 * Outside that window nothing is kept for turns that nobody follows.
 */
export class TurnRoutes<Sink extends TurnSink = TurnSink> {
  readonly #threads = new Map<string, ThreadRoutes<Sink>>();
  /** Where the last event went; most go where the one before went, and comparing beats hashing. */
  #latest: Destination<Sink> | undefined;

  /** How many threads have a turn that is followed or being started. */
  get size(): number {
    return this.#threads.size;
  }

  route(message: NotificationMessage): void {
    if (this.#threads.size === 0) return;
    const threadId = threadIdOf(message);
    const turnId = turnIdOf(message);
    if (threadId === undefined || turnId === undefined) return;
    const latest = this.#latest;
    if (latest?.turnId === turnId && latest.threadId === threadId) {
      deliver(latest, message);
      return;
    }
    const thread = this.#threads.get(threadId);
    const sinks = thread?.sinks.get(turnId);
    if (thread && sinks) {
      this.#latest = { threadId, turnId, thread, sinks };
      deliver(this.#latest, message);
    } else if (thread && thread.pending > 0) {
      keep(thread, turnId, message);
    }
  }

  /** Call before sending what starts a turn. */
  expect(threadId: string): PendingTurn<Sink> {
    const thread = this.#open(threadId);
    thread.pending += 1;
    let settled = false;
    return {
      claim: (turnId, sink) => {
        const ended = thread.ended.get(turnId);
        if (ended) {
          sink.receive(ended.lastEvent);
          return ended.sinks;
        }
        const others = this.#follow(thread, turnId, sink);
        const events = thread.unclaimed.get(turnId) ?? [];
        thread.unclaimed.delete(turnId);
        for (const event of events) {
          // What comes after the end of a turn is for nobody.
          if (thread.sinks.has(turnId)) deliver({ thread, turnId, sinks: [sink] }, event);
        }
        return others;
      },
      settle: () => {
        if (settled) return;
        settled = true;
        thread.pending -= 1;
        if (thread.pending === 0) {
          thread.unclaimed.clear();
          thread.ended.clear();
        }
        this.#tidy(threadId, thread);
      },
    };
  }

  unfollow(threadId: string, turnId: string, sink: Sink): void {
    const thread = this.#threads.get(threadId);
    const sinks = thread?.sinks.get(turnId);
    if (!thread || !sinks) return;
    this.#latest = undefined;
    const rest = sinks.filter((other) => other !== sink);
    if (rest.length > 0) thread.sinks.set(turnId, rest);
    else thread.sinks.delete(turnId);
    this.#tidy(threadId, thread);
  }

  close(reason: CloseReason): void {
    const sinks = [...this.#threads.values()].flatMap((thread) =>
      [...thread.sinks.values()].flat(),
    );
    for (const sink of sinks) sink.connectionClosed(reason);
  }

  #open(threadId: string): ThreadRoutes<Sink> {
    let thread = this.#threads.get(threadId);
    if (!thread) {
      thread = { sinks: new Map(), unclaimed: new Map(), ended: new Map(), pending: 0 };
      this.#threads.set(threadId, thread);
    }
    return thread;
  }

  #follow(thread: ThreadRoutes<Sink>, turnId: string, sink: Sink): readonly Sink[] {
    const others = thread.sinks.get(turnId) ?? [];
    this.#latest = undefined;
    thread.sinks.set(turnId, [...others, sink]);
    return others;
  }

  #tidy(threadId: string, thread: ThreadRoutes<Sink>): void {
    if (thread.pending === 0 && thread.sinks.size === 0) this.#threads.delete(threadId);
  }
}

function deliver<Sink extends TurnSink>(
  { thread, turnId, sinks }: Omit<Destination<Sink>, "threadId">,
  message: NotificationMessage,
): void {
  for (const sink of sinks) sink.receive(message);
  if (thread.pending > 0 && !thread.sinks.has(turnId)) {
    thread.ended.set(turnId, { sinks, lastEvent: message });
  }
}

function keep<Sink>(
  thread: ThreadRoutes<Sink>,
  turnId: string,
  message: NotificationMessage,
): void {
  const events = thread.unclaimed.get(turnId);
  if (events) events.push(message);
  else thread.unclaimed.set(turnId, [message]);
}
