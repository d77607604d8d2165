import type { BacklogBudget } from "../async/backlog-budget.js";
import { inParallel } from "../async/in-parallel.js";
import { copyError } from "../errors/connection-errors.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { isNotificationName, threadIdOf, turnIdOf } from "../messages/message-ids.js";
import { StrayEvents } from "./stray-events.js";
import { ThreadRoute } from "./thread-route.js";
import type { Threads } from "./threads.js";
import type { Offer, PendingTurn, TurnFollower } from "./turn-follower.js";
import type { TurnSearch } from "./unclaimed-events.js";

/** So that the server has answered well within the time that is given to each question. */
const catchUpsAtOnce = 8;

/** Where the events of one turn go. */
interface Destination {
  readonly threadId: string;
  readonly turnId: string;
  readonly route: ThreadRoute;
  readonly followers: readonly TurnFollower[];
}

/**
 * Brings each turn's notifications to its handle, by thread and turn id.
 *
 * The events of a turn may come before the answer that tells its id. So the thread is watched from
 * before `turn/start` is sent, and what comes for unknown turns is kept until the answer is there.
 * Outside that window nothing is kept for turns that nobody follows.
 */
export class TurnRoutes {
  readonly #threads: Threads;
  readonly #strays: StrayEvents;
  readonly #backlogs: BacklogBudget | undefined;
  /** Those who were told that the connection dropped, and not yet that it is back. */
  readonly #dropped = new Set<TurnFollower>();
  /** How often it dropped. */
  #drops = 0;
  /** Where the last event went; most go where the one before went, and comparing beats hashing. */
  #latest: Destination | undefined;

  /** What is kept for those who are to come counts in `backlogs`. */
  constructor(threads: Threads, backlogs?: BacklogBudget) {
    this.#threads = threads;
    this.#backlogs = backlogs;
    this.#strays = new StrayEvents(backlogs);
  }

  /** How many threads have a turn that is followed or being started, or are watched for turns. */
  get size(): number {
    return this.threadIds().length;
  }

  /** The threads that `size` counts. */
  threadIds(): readonly string[] {
    return this.#threads.idsOf(({ route }) => route !== undefined);
  }

  /** Who follows the turns of the thread, and watches it for turns; undefined while nobody does. */
  of(threadId: string): ThreadRoute | undefined {
    return this.#threads.find(threadId)?.route;
  }

  followersOf(threadId: string, turnId: string): readonly TurnFollower[] {
    return this.of(threadId)?.followersOf(turnId) ?? [];
  }

  /** The thread on which somebody follows the turn; no two turns have the same id. */
  threadOf(turnId: string): string | undefined {
    for (const [threadId, { route }] of this.#threads) {
      if (route?.followersOf(turnId)) return threadId;
    }
    return undefined;
  }

  route(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    const turnId = turnIdOf(message);
    if (threadId !== undefined && turnId !== undefined) this.deliver(threadId, turnId, message);
    else if (threadId !== undefined) this.of(threadId)?.observe(message);
    else if (turnId !== undefined) this.#deliverToTurn(turnId, message);
  }

  /** Gives a message to whoever follows the turn, whatever the message itself says of turns. */
  deliver(threadId: string, turnId: string, message: NotificationMessage): void {
    const latest = this.#latest;
    if (latest?.turnId === turnId && latest.threadId === threadId) {
      latest.route.give(turnId, latest.followers, message);
      return;
    }
    const route = this.of(threadId);
    if (!route) {
      this.#strays.keep(threadId, turnId, message);
      return;
    }
    const followers = route.followersOf(turnId);
    if (followers) {
      this.#latest = { threadId, turnId, route, followers };
      route.give(turnId, followers, message);
    } else {
      this.#latest = undefined;
      route.giveUnfollowed(turnId, message);
    }
  }

  /** Call before sending what starts a turn; `starter` is who will follow it. */
  expect(threadId: string, starter?: TurnFollower): PendingTurn {
    const route = this.#open(threadId);
    route.begin(starter);
    let settled = false;
    let search: TurnSearch | undefined;
    return {
      claim: (turnId, follower) => {
        this.#latest = undefined;
        return route.claim(turnId, follower);
      },
      find: (matches) => {
        search = route.search(matches);
        return search.found;
      },
      settle: () => {
        if (settled) return;
        settled = true;
        search?.stop();
        // What was kept and not claimed is of turns that nobody has asked for.
        for (const { turnId, message } of route.finish(starter)) {
          const isOurs =
            threadIdOf(message) !== undefined || route.followersOf(turnId) !== undefined;
          if (isOurs) this.deliver(threadId, turnId, message);
        }
        this.#tidy(threadId);
      },
    };
  }

  /**
   * Offers the events of turns that nobody follows, from now on; returns what stops it. Whoever
   * `asksFor` these turns comes before those who only look on.
   */
  watch(threadId: string, offer: Offer, { asksFor = false } = {}): () => void {
    const route = this.#open(threadId);
    const offers = asksFor ? route.claims : route.offers;
    offers.add(offer);
    for (const { turnId, message } of this.#strays.take(threadId)) {
      this.deliver(threadId, turnId, message);
    }
    return () => {
      offers.delete(offer);
      this.#tidy(threadId);
    };
  }

  /**
   * Keeps the events of threads that nothing is known of, until they are watched: a sub-agent may
   * begin before the item that names it has come. Returns what ends it; nothing is kept otherwise.
   */
  keepStrays(): () => void {
    return this.#strays.open();
  }

  unfollow(threadId: string, turnId: string, follower: TurnFollower): void {
    this.#latest = undefined;
    this.#dropped.delete(follower);
    this.of(threadId)?.unfollow(turnId, follower);
    this.#tidy(threadId);
  }

  /**
   * The connection dropped: whoever follows a turn is told. Who looks for a turn by its events gives
   * up with `reason`, since the event that is looked for may be among those that are missed. Without
   * a reason nobody does: nothing was asked yet that brings such an event.
   */
  dropped(reason?: Error): void {
    this.#drops += 1;
    for (const [, { route }] of [...this.#threads]) {
      if (reason) route?.giveUpSearches(() => copyError(reason));
      for (const follower of route?.followers() ?? []) this.#tellDrop(follower);
    }
  }

  /**
   * Events come again, except of the threads that are `lost`: those who were told that they stopped,
   * and still follow, are told; only some at a time, since each has questions for the server.
   */
  restored(lost: ReadonlySet<string> = new Set()): void {
    const drops = this.#drops;
    const waiting = [...this.#threads].flatMap(([threadId, { route }]) =>
      (route?.followers() ?? [])
        .filter((follower) => this.#dropped.has(follower))
        .map((follower) => ({ follower, isResumed: !lost.has(threadId) })),
    );
    this.#dropped.clear();
    void inParallel(waiting, catchUpsAtOnce, async ({ follower, isResumed }) => {
      // After another drop, all of them are told anew.
      if (drops === this.#drops) await follower.restored?.(isResumed);
    });
  }

  /**
   * A turn has begun while the connection was away, as `started` should have told. Whoever takes it
   * finds out about the rest when `restored()` is called.
   */
  begunMeanwhile(threadId: string, turnId: string, started: NotificationMessage): void {
    this.deliver(threadId, turnId, started);
    for (const follower of this.followersOf(threadId, turnId)) this.#tellDrop(follower);
  }

  /** The same for a turn that ran before its thread was watched: the rest can be found out at once. */
  begunBefore(threadId: string, turnId: string, started: NotificationMessage): void {
    this.begunMeanwhile(threadId, turnId, started);
    for (const follower of this.followersOf(threadId, turnId)) {
      if (this.#dropped.delete(follower)) void follower.restored?.(true);
    }
  }

  /**
   * One more follower of a turn that began before. What comes is held back until `catchUp()` is called.
   */
  followBegun(threadId: string, turnId: string, follower: TurnFollower): void {
    // First, so that the end of a turn that has only just ended is held back, too.
    this.#tellDrop(follower);
    const pending = this.expect(threadId);
    pending.claim(turnId, follower);
    pending.settle();
  }

  /** The events of its thread come over this connection: it finds out about the rest. */
  async catchUp(follower: TurnFollower): Promise<void> {
    this.#dropped.delete(follower);
    await follower.restored?.(true);
  }

  /** The connection is over. */
  close(reason: Error): void {
    this.#dropped.clear();
    for (const [, { route }] of [...this.#threads]) route?.abandon(() => copyError(reason));
  }

  #tellDrop(follower: TurnFollower): void {
    this.#dropped.add(follower);
    follower.dropped?.();
  }

  /**
   * A newer method may name the turn alone. As long as nobody follows that, it may be any that is being
   * started.
   */
  #deliverToTurn(turnId: string, message: NotificationMessage): void {
    if (isNotificationName(message.method)) return;
    const threadId = this.threadOf(turnId);
    if (threadId !== undefined) this.deliver(threadId, turnId, message);
    else for (const [, { route }] of this.#threads) route?.keep(turnId, message);
  }

  #open(threadId: string): ThreadRoute {
    return (this.#threads.open(threadId).route ??= new ThreadRoute(this.#backlogs));
  }

  #tidy(threadId: string): void {
    const thread = this.#threads.find(threadId);
    if (!thread?.route?.isUnused) return;
    thread.route = undefined;
    this.#threads.tidy(threadId);
  }
}
