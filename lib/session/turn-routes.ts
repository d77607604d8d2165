import type { BacklogBudget } from "../async/backlog-budget.js";
import { inParallel } from "../async/in-parallel.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { isNotificationName, threadIdOf, turnIdOf } from "../messages/message-ids.js";
import { StrayEvents } from "./stray-events.js";
import { ThreadRoute } from "./thread-route.js";
import type { Offer, PendingTurn, TurnSink } from "./turn-sink.js";
import type { TurnSearch } from "./unclaimed-events.js";

export type { Offer, PendingTurn, TurnSink } from "./turn-sink.js";

/** So that the server has answered well within the time that is given to each question. */
const catchUpsAtOnce = 8;

/** Where the events of one turn go. */
interface Destination<Sink extends TurnSink> {
  readonly threadId: string;
  readonly turnId: string;
  readonly thread: ThreadRoute<Sink>;
  readonly sinks: readonly Sink[];
}

/**
 * Brings each turn's notifications to its handle, by thread and turn id.
 *
 * The events of a turn may come before the answer that tells its id. So the thread is watched from
 * before `turn/start` is sent, and what comes for unknown turns is kept until the answer is there.
 * Outside that window nothing is kept for turns that nobody follows.
 */
export class TurnRoutes<Sink extends TurnSink = TurnSink> {
  readonly #threads = new Map<string, ThreadRoute<Sink>>();
  readonly #strays: StrayEvents;
  readonly #backlogs: BacklogBudget | undefined;
  /** Those who were told that the connection dropped, and not yet that it is back. */
  readonly #dropped = new Set<Sink>();
  /** How often it dropped. */
  #drops = 0;
  /** Where the last event went; most go where the one before went, and comparing beats hashing. */
  #latest: Destination<Sink> | undefined;

  /** What is kept for those who are to come counts in `backlogs`. */
  constructor(backlogs?: BacklogBudget) {
    this.#backlogs = backlogs;
    this.#strays = new StrayEvents(backlogs);
  }

  /** How many threads have a turn that is followed or being started, or are watched for turns. */
  get size(): number {
    return this.#threads.size;
  }

  /** The threads that `size` counts. */
  threadIds(): readonly string[] {
    return [...this.#threads.keys()];
  }

  route(message: NotificationMessage): void {
    if (this.#threads.size === 0) return;
    const threadId = threadIdOf(message);
    const turnId = turnIdOf(message);
    if (threadId !== undefined && turnId !== undefined) this.deliver(threadId, turnId, message);
    else if (threadId !== undefined) this.#threads.get(threadId)?.observe(message);
    else if (turnId !== undefined) this.#deliverToTurn(turnId, message);
  }

  /** Gives a message to whoever follows the turn, whatever the message itself says of turns. */
  deliver(threadId: string, turnId: string, message: NotificationMessage): void {
    const latest = this.#latest;
    if (latest?.turnId === turnId && latest.threadId === threadId) {
      latest.thread.give(turnId, latest.sinks, message);
      return;
    }
    const thread = this.#threads.get(threadId);
    if (!thread) {
      this.#strays.keep(threadId, turnId, message);
      return;
    }
    const sinks = thread.sinksOf(turnId);
    if (sinks) {
      this.#latest = { threadId, turnId, thread, sinks };
      thread.give(turnId, sinks, message);
    } else {
      this.#latest = undefined;
      thread.giveUnfollowed(turnId, message);
    }
  }

  /** Call before sending what starts a turn; `starter` is who will follow it. */
  expect(threadId: string, starter?: Sink): PendingTurn<Sink> {
    const thread = this.#open(threadId);
    thread.begin(starter);
    let settled = false;
    let search: TurnSearch | undefined;
    return {
      claim: (turnId, sink) => {
        this.#latest = undefined;
        return thread.claim(turnId, sink);
      },
      find: (matches) => {
        search = thread.search(matches);
        return search.found;
      },
      settle: () => {
        if (settled) return;
        settled = true;
        search?.stop();
        // What was kept and not claimed is of turns that nobody has asked for.
        for (const { turnId, message } of thread.finish(starter)) {
          const isOurs = threadIdOf(message) !== undefined || thread.sinksOf(turnId) !== undefined;
          if (isOurs) this.deliver(threadId, turnId, message);
        }
        this.#tidy(threadId, thread);
      },
    };
  }

  /**
   * Offers the events of turns that nobody follows, from now on; returns what stops it. Whoever
   * `asksFor` these turns comes before those who only look on.
   */
  watch(threadId: string, offer: Offer<Sink>, { asksFor = false } = {}): () => void {
    const thread = this.#open(threadId);
    const offers = asksFor ? thread.claims : thread.offers;
    offers.add(offer);
    for (const { turnId, message } of this.#strays.take(threadId)) {
      this.deliver(threadId, turnId, message);
    }
    return () => {
      offers.delete(offer);
      this.#tidy(threadId, thread);
    };
  }

  /**
   * A turn that somebody follows turns out to be somebody else's, too: it is offered to those who watch
   * its thread, with the events that show it.
   */
  share(threadId: string, turnId: string, events: readonly NotificationMessage[]): void {
    this.#latest = undefined;
    this.#threads.get(threadId)?.share(turnId, events);
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
    return this.#threads.get(threadId)?.sinksOf(turnId) ?? [];
  }

  /** The thread on which somebody follows the turn; no two turns have the same id. */
  threadOf(turnId: string): string | undefined {
    for (const [threadId, thread] of this.#threads) if (thread.sinksOf(turnId)) return threadId;
    return undefined;
  }

  /** The turn of the thread that is followed, and of several the latest: the one that runs. */
  latestTurnOf(threadId: string): string | undefined {
    return this.#threads.get(threadId)?.latestTurnId;
  }

  /** Whoever starts a turn on the thread at this moment, and does not know its id yet. */
  startersOf(threadId: string): readonly Sink[] {
    return this.#threads.get(threadId)?.starters ?? [];
  }

  /**
   * Resolves when it is clear whether a handle follows the turn: one that is being started may turn
   * out to be it. Undefined when it is clear already.
   */
  whenSettled(threadId: string, turnId: string): Promise<void> | undefined {
    const thread = this.#threads.get(threadId);
    return thread?.sinksOf(turnId) ? undefined : thread?.settled;
  }

  unfollow(threadId: string, turnId: string, sink: Sink): void {
    const thread = this.#threads.get(threadId);
    if (!thread) return;
    this.#latest = undefined;
    thread.unfollow(turnId, sink);
    this.#tidy(threadId, thread);
  }

  /** No more events come for the thread: whoever follows a turn of it is told. */
  abandon(threadId: string, failure: () => Error): void {
    const thread = this.#threads.get(threadId);
    if (!thread) return;
    thread.giveUpSearches(failure);
    for (const sink of thread.sinks()) sink.lost(failure);
  }

  /**
   * The connection dropped: whoever follows a turn is told. Who looks for a turn by its events gives
   * up with `failure`, since the event that is looked for may be among those that are missed. Without
   * a failure nobody does: nothing was asked yet that brings such an event.
   */
  dropped(failure?: () => Error): void {
    this.#drops += 1;
    for (const thread of this.#threads.values()) {
      if (failure) thread.giveUpSearches(failure);
      for (const sink of thread.sinks()) {
        this.#dropped.add(sink);
        sink.dropped?.();
      }
    }
  }

  /**
   * Events come again, except of the threads that are `lost`: those who were told that they stopped,
   * and still follow, are told; only some at a time, since each has questions for the server.
   */
  restored(lost: ReadonlySet<string> = new Set()): void {
    const drops = this.#drops;
    const waiting = [...this.#threads].flatMap(([threadId, thread]) =>
      thread
        .sinks()
        .filter((sink) => this.#dropped.has(sink))
        .map((sink) => ({ sink, isResumed: !lost.has(threadId) })),
    );
    this.#dropped.clear();
    void inParallel(waiting, catchUpsAtOnce, async ({ sink, isResumed }) => {
      // After another drop, all of them are told anew.
      if (drops === this.#drops) await sink.restored?.(isResumed);
    });
  }

  /** What the server said of a thread's status when it was asked. */
  threadStatus(threadId: string, status: string): void {
    this.#threads.get(threadId)?.setStatus(status);
  }

  /** Whether somebody has asked for the turns that the server starts on the thread. */
  isAskedFor(threadId: string): boolean {
    return (this.#threads.get(threadId)?.claims.size ?? 0) > 0;
  }

  /** Whether somebody watches the thread for turns, and nobody follows one of it. */
  isOnlyWatched(threadId: string): boolean {
    const thread = this.#threads.get(threadId);
    return thread !== undefined && thread.isWatched && thread.sinks().length === 0;
  }

  /**
   * A turn has begun while the connection was away, as `started` should have told. Whoever takes it
   * finds out about the rest when `restored()` is called.
   */
  begunMeanwhile(threadId: string, turnId: string, started: NotificationMessage): void {
    this.deliver(threadId, turnId, started);
    for (const sink of this.sinksOf(threadId, turnId)) {
      this.#dropped.add(sink);
      sink.dropped?.();
    }
  }

  /** The same for a turn that ran before its thread was watched: the rest can be found out at once. */
  begunBefore(threadId: string, turnId: string, started: NotificationMessage): void {
    this.begunMeanwhile(threadId, turnId, started);
    for (const sink of this.sinksOf(threadId, turnId)) {
      if (this.#dropped.delete(sink)) void sink.restored?.(true);
    }
  }

  /** The first events of the turn that is being started here have been missed. */
  missed(threadId: string): void {
    this.#threads.get(threadId)?.missed();
  }

  close(failure: () => Error): void {
    this.#dropped.clear();
    for (const threadId of [...this.#threads.keys()]) this.abandon(threadId, failure);
  }

  /**
   * A newer method may name the turn alone. As long as nobody follows that, it may be any that is being
   * started.
   */
  #deliverToTurn(turnId: string, message: NotificationMessage): void {
    if (isNotificationName(message.method)) return;
    const threadId = this.threadOf(turnId);
    if (threadId !== undefined) this.deliver(threadId, turnId, message);
    else for (const thread of this.#threads.values()) thread.keep(turnId, message);
  }

  #open(threadId: string): ThreadRoute<Sink> {
    let thread = this.#threads.get(threadId);
    if (!thread) {
      thread = new ThreadRoute(this.#backlogs);
      this.#threads.set(threadId, thread);
    }
    return thread;
  }

  #tidy(threadId: string, thread: ThreadRoute<Sink>): void {
    if (thread.isUnused && this.#threads.get(threadId) === thread) this.#threads.delete(threadId);
  }
}
