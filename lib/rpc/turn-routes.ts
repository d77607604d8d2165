import { Deferred } from "../async/deferred.js";
import type { NotificationMessage } from "./message.js";
import { threadIdOf, turnIdOf } from "./notification-route.js";
import { StrayEvents } from "./stray-events.js";
import { UnclaimedEvents, type TurnMatch, type TurnSearch } from "./unclaimed-events.js";

/** Whoever follows a turn. Neither function may throw. */
export interface TurnSink {
  /** A notification about the turn, in wire order. */
  receive(message: NotificationMessage): void;
  /** Nothing more will come, as `failure` tells: the connection is over, or the thread let go. */
  lost(failure: () => Error): void;
  /**
   * The server announces this turn under an id of its own: a `turn/started` that is nobody else's
   * belongs to it. True of a review until it has started.
   */
  readonly adoptsStart?: boolean;
}

/** A turn that is being started and whose id is not known yet. */
export interface PendingTurn<Sink extends TurnSink> {
  /**
   * The turn got its id: `sink` receives what has come for it so far, then the rest. Returns the
   * sinks that were following this turn already, up to its end if it has ended meanwhile.
   */
  claim(turnId: string, sink: Sink): readonly Sink[];
  /** For turns whose id no answer tells: the id of the first one that matches and is nobody's. */
  find(matches: TurnMatch): Promise<string>;
  /** Ends the wait; needed once, whether the turn was claimed or not. */
  settle(): void;
}

/** Shown an event of a turn that nobody follows: whoever returns a sink follows it from then on. */
export type Offer<Sink extends TurnSink> = (
  turnId: string,
  event: NotificationMessage,
) => Sink | undefined;

interface ThreadRoutes<Sink extends TurnSink> {
  readonly sinks: Map<string, Sink[]>;
  /** Events of turns that nobody follows, kept while a turn of this thread waits for its id. */
  readonly unclaimed: UnclaimedEvents;
  /** Turns that ended while a start was pending, which may turn out to have joined one of them. */
  readonly ended: Map<string, EndedTurn<Sink>>;
  readonly offers: Set<Offer<Sink>>;
  /** Resolves when no start is pending any more; undefined when none is. */
  settled: Deferred<void> | undefined;
  pending: number;
}

/** Where the events of one turn go. */
interface Destination<Sink extends TurnSink> {
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
  readonly #strays = new StrayEvents();
  /** Where the last event went; most go where the one before went, and comparing beats hashing. */
  #latest: Destination<Sink> | undefined;

  /** How many threads have a turn that is followed or being started, or are watched for turns. */
  get size(): number {
    return this.#threads.size;
  }

  route(message: NotificationMessage): void {
    if (this.#threads.size === 0) return;
    const threadId = threadIdOf(message);
    const turnId = turnIdOf(message);
    if (threadId !== undefined && turnId !== undefined) this.deliver(threadId, turnId, message);
  }

  /** Gives a message to whoever follows the turn, whatever the message itself says of turns. */
  deliver(threadId: string, turnId: string, message: NotificationMessage): void {
    const latest = this.#latest;
    if (latest?.turnId === turnId && latest.threadId === threadId) {
      deliverTo(latest, message);
      return;
    }
    const thread = this.#threads.get(threadId);
    if (!thread) {
      this.#strays.keep(threadId, turnId, message);
      return;
    }
    const sinks = thread.sinks.get(turnId);
    if (sinks) {
      this.#latest = { threadId, turnId, thread, sinks };
      deliverTo(this.#latest, message);
    } else if (message.method === "turn/started" && this.#adopt(thread, message)) {
      return;
    } else if (thread.pending > 0) {
      thread.unclaimed.keep(turnId, message);
    } else if (thread.offers.size > 0) {
      this.#offer(thread, turnId, message);
    }
  }

  /** Call before sending what starts a turn. */
  expect(threadId: string): PendingTurn<Sink> {
    const thread = this.#open(threadId);
    thread.pending += 1;
    thread.settled ??= new Deferred();
    let settled = false;
    let search: TurnSearch | undefined;
    return {
      claim: (turnId, sink) => this.#claim(thread, turnId, sink),
      find: (matches) => {
        search = thread.unclaimed.search(matches);
        return search.found;
      },
      settle: () => {
        if (settled) return;
        settled = true;
        search?.stop();
        thread.pending -= 1;
        if (thread.pending === 0) this.#settled(threadId, thread);
        this.#tidy(threadId, thread);
      },
    };
  }

  /** Offers the events of turns that nobody follows, from now on; returns what stops it. */
  watch(threadId: string, offer: Offer<Sink>): () => void {
    const thread = this.#open(threadId);
    thread.offers.add(offer);
    for (const { turnId, message } of this.#strays.take(threadId)) {
      this.deliver(threadId, turnId, message);
    }
    return () => {
      thread.offers.delete(offer);
      this.#tidy(threadId, thread);
    };
  }

  /**
   * Keeps the events of threads that nothing is known of, until they are watched: a sub-agent may
   * begin before the item that names it has come. Returns what ends it; nothing is kept otherwise.
   */
  keepStrays(): () => void {
    return this.#strays.open();
  }

  /** Whoever follows the turn at this moment. */
  sinksOf(threadId: string, turnId: string): readonly Sink[] {
    return this.#threads.get(threadId)?.sinks.get(turnId) ?? [];
  }

  /**
   * Resolves when it is clear whether a handle follows the turn: one that is being started may turn
   * out to be it. Undefined when it is clear already.
   */
  whenSettled(threadId: string, turnId: string): Promise<void> | undefined {
    const thread = this.#threads.get(threadId);
    return thread?.sinks.has(turnId) ? undefined : thread?.settled?.promise;
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

  /** No more events come for the thread: whoever follows a turn of it is told. */
  abandon(threadId: string, failure: () => Error): void {
    const thread = this.#threads.get(threadId);
    if (!thread) return;
    thread.unclaimed.abandon(failure);
    for (const sink of [...thread.sinks.values()].flat()) sink.lost(failure);
  }

  close(failure: () => Error): void {
    for (const threadId of [...this.#threads.keys()]) this.abandon(threadId, failure);
  }

  #claim(thread: ThreadRoutes<Sink>, turnId: string, sink: Sink): readonly Sink[] {
    const ended = thread.ended.get(turnId);
    if (ended) {
      sink.receive(ended.lastEvent);
      return ended.sinks;
    }
    const others = this.#follow(thread, turnId, sink);
    const events = thread.unclaimed.take(turnId, sink.adoptsStart === true);
    for (const event of events) {
      // What comes after the end of a turn is for nobody.
      if (thread.sinks.has(turnId)) deliverTo({ thread, turnId, sinks: [sink] }, event);
    }
    return others;
  }

  #settled(threadId: string, thread: ThreadRoutes<Sink>): void {
    thread.settled?.resolve();
    thread.settled = undefined;
    thread.ended.clear();
    // What was kept and not claimed is of turns that nobody has asked for.
    for (const { turnId, message } of thread.unclaimed.takeAll()) {
      this.deliver(threadId, turnId, message);
    }
  }

  #offer(thread: ThreadRoutes<Sink>, turnId: string, message: NotificationMessage): void {
    for (const offer of thread.offers) {
      const sink = offer(turnId, message);
      if (!sink) continue;
      this.#follow(thread, turnId, sink);
      sink.receive(message);
    }
  }

  /** Whether a turn of the thread was announced under another id, and this is its start. */
  #adopt(thread: ThreadRoutes<Sink>, message: NotificationMessage): boolean {
    for (const [turnId, sinks] of thread.sinks) {
      if (!sinks.some((sink) => sink.adoptsStart)) continue;
      deliverTo({ thread, turnId, sinks }, message);
      return true;
    }
    return false;
  }

  #open(threadId: string): ThreadRoutes<Sink> {
    let thread = this.#threads.get(threadId);
    if (!thread) {
      thread = {
        sinks: new Map(),
        unclaimed: new UnclaimedEvents(),
        ended: new Map(),
        offers: new Set(),
        settled: undefined,
        pending: 0,
      };
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
    if (thread.pending > 0 || thread.sinks.size > 0 || thread.offers.size > 0) return;
    if (this.#threads.get(threadId) === thread) this.#threads.delete(threadId);
  }
}

function deliverTo<Sink extends TurnSink>(
  { thread, turnId, sinks }: Omit<Destination<Sink>, "threadId">,
  message: NotificationMessage,
): void {
  for (const sink of sinks) sink.receive(message);
  if (thread.pending > 0 && !thread.sinks.has(turnId)) {
    thread.ended.set(turnId, { sinks, lastEvent: message });
  }
}
