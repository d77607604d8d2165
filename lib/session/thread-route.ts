import type { BacklogBudget } from "../async/backlog-budget.js";
import { Deferred } from "../async/deferred.js";
import { ProtocolError } from "../errors/connection-errors.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { textOf } from "../messages/field-of.js";
import type { Offer, TurnFollower } from "./turn-follower.js";
import {
  UnclaimedEvents,
  type TurnMatch,
  type TurnSearch,
  type Unclaimed,
} from "./unclaimed-events.js";

interface EndedTurn {
  readonly followers: readonly TurnFollower[];
  readonly lastEvent: NotificationMessage;
}

/** How many warnings may wait for the turn that comes next. */
const maxEarlyWarnings = 16;

/** Who follows the turns of one thread, who watches it for turns, and which are being started. */
export class ThreadRoute {
  /** Of those who have asked for the turns that come, and of those who only look on. */
  readonly claims = new Set<Offer>();
  readonly offers = new Set<Offer>();
  readonly #followers = new Map<string, TurnFollower[]>();
  /** Events of turns that nobody follows, kept while a turn of this thread waits for its id. */
  readonly #unclaimed: UnclaimedEvents;
  /** Turns that ended while a start was pending, which may turn out to have joined one of them. */
  readonly #ended = new Map<string, EndedTurn>();
  /** Resolves when no start is pending any more; undefined when none is. */
  #settled: Deferred<void> | undefined;
  #pending = 0;
  /** Those of the starts that are pending, as far as they have said whose they are. */
  #starters: readonly TurnFollower[] = [];
  /** Whether events of the turns that are being started may have been missed. */
  #missed = false;
  /** What the server has warned of before the turn that somebody starts or waits for has begun. */
  #earlyWarnings: NotificationMessage[] | undefined;
  /** What the thread's status has become while a start was pending. */
  #status: string | undefined;

  /** What is kept for a turn that waits for its id counts in `backlogs`. */
  constructor(backlogs?: BacklogBudget) {
    this.#unclaimed = new UnclaimedEvents(backlogs);
  }

  get isUnused(): boolean {
    return this.#pending === 0 && this.#followers.size === 0 && !this.isWatched;
  }

  /** Whether somebody waits for turns that begin. */
  get isWatched(): boolean {
    return this.isAskedFor || this.offers.size > 0;
  }

  /** The same, and nobody follows a turn. */
  get isOnlyWatched(): boolean {
    return this.isWatched && this.#followers.size === 0;
  }

  /** Whether somebody has asked for the turns that the server starts. */
  get isAskedFor(): boolean {
    return this.claims.size > 0;
  }

  /** The turn that was followed last, and still is: the one that runs, for one does at a time. */
  get latestTurnId(): string | undefined {
    return [...this.#followers.keys()].at(-1);
  }

  /** Who starts a turn whose id is not known yet. */
  get starters(): readonly TurnFollower[] {
    return this.#starters;
  }

  followers(): readonly TurnFollower[] {
    return [...this.#followers.values()].flat();
  }

  followersOf(turnId: string): readonly TurnFollower[] | undefined {
    return this.#followers.get(turnId);
  }

  /**
   * Resolves when it is clear whether a handle follows the turn: one that is being started may turn out to
   * be it. Undefined when it is clear already.
   */
  whenSettled(turnId: string): Promise<void> | undefined {
    return this.#followers.has(turnId) ? undefined : this.#settled?.promise;
  }

  begin(starter?: TurnFollower): void {
    this.#pending += 1;
    if (starter) this.#starters = [...this.#starters, starter];
    this.#settled ??= new Deferred();
  }

  /** It was, or will not be. Returns what was kept and not claimed, when it was the last one. */
  finish(starter?: TurnFollower): readonly Unclaimed[] {
    this.#pending -= 1;
    this.#starters = this.#starters.filter((other) => other !== starter);
    if (this.#pending > 0) return [];
    this.#settled?.resolve();
    this.#settled = undefined;
    this.#missed = false;
    this.#status = undefined;
    this.#ended.clear();
    return this.#unclaimed.takeAll();
  }

  search(matches: TurnMatch): TurnSearch {
    return this.#unclaimed.search(matches);
  }

  claim(turnId: string, follower: TurnFollower): readonly TurnFollower[] {
    const ended = this.#ended.get(turnId);
    if (ended) {
      follower.receive(ended.lastEvent);
      return ended.followers;
    }
    const others = this.#follow(turnId, follower);
    if (this.#missed) follower.dropped?.();
    const events = this.#unclaimed.take(turnId, follower.adoptsStart === true);
    if (!events) follower.lost(tooMuchBeforeAnswer);
    for (const event of events ?? []) {
      // What comes after the end of a turn is for nobody.
      const followers = this.#followers.get(turnId);
      if (followers) this.give(turnId, followers, event);
    }
    if (this.#status !== undefined) follower.threadStatus?.(this.#status);
    if (this.#missed) void follower.restored?.(true);
    return others;
  }

  unfollow(turnId: string, follower: TurnFollower): void {
    const rest = (this.#followers.get(turnId) ?? []).filter((other) => other !== follower);
    if (rest.length > 0) this.#followers.set(turnId, rest);
    else this.#followers.delete(turnId);
  }

  give(turnId: string, followers: readonly TurnFollower[], message: NotificationMessage): void {
    for (const follower of followers) follower.receive(message);
    if (this.#earlyWarnings && message.method === "turn/started") this.#giveEarly(followers);
    if (this.#pending > 0 && !this.#followers.has(turnId)) {
      this.#ended.set(turnId, { followers, lastEvent: message });
    }
  }

  /** Finds somebody for an event of a turn that nobody follows, or keeps it for whoever comes. */
  giveUnfollowed(turnId: string, message: NotificationMessage): void {
    if (message.method === "turn/started" && this.#adopt(message)) return;
    if (this.#pending > 0) this.#unclaimed.keep(turnId, message);
    else this.#offer(turnId, message);
  }

  /** Keeps an event that may be of a turn that is being started here. */
  keep(turnId: string, message: NotificationMessage): void {
    if (this.#pending > 0) this.#unclaimed.keep(turnId, message);
  }

  /** Some that name no turn tell those who follow one that its end is near. */
  observe(message: NotificationMessage): void {
    const { method, params } = message;
    switch (method) {
      case "thread/status/changed": {
        const status = textOf(params, "status", "type");
        if (status !== undefined) this.setStatus(status);
        break;
      }
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.setStatus("notLoaded");
        break;
      case "warning":
      case "guardianWarning":
        this.#warned(message);
    }
  }

  setStatus(status: string): void {
    if (this.#pending > 0) this.#status = status;
    for (const follower of this.followers()) follower.threadStatus?.(status);
  }

  /** The first events of the turns that are being started may have been missed. */
  missed(): void {
    if (this.#pending > 0) this.#missed = true;
  }

  /** Who looks for a turn by its events gives up: they may not come any more. */
  giveUpSearches(failure: () => Error): void {
    this.#unclaimed.abandon(failure);
  }

  /** No more events come for the thread: whoever follows a turn of it is told. */
  abandon(failure: () => Error): void {
    this.giveUpSearches(failure);
    for (const follower of this.followers()) follower.lost(failure);
  }

  /** It names no turn: it belongs to the one that runs, or else to the one that begins next. */
  #warned(message: NotificationMessage): void {
    const { latestTurnId } = this;
    if (latestTurnId !== undefined) {
      this.give(latestTurnId, this.#followers.get(latestTurnId) ?? [], message);
    } else if (this.#pending > 0 || this.isWatched) {
      this.#earlyWarnings = [...(this.#earlyWarnings ?? []), message].slice(-maxEarlyWarnings);
    }
  }

  #giveEarly(followers: readonly TurnFollower[]): void {
    const warnings = this.#earlyWarnings ?? [];
    this.#earlyWarnings = undefined;
    for (const warning of warnings) for (const follower of followers) follower.receive(warning);
  }

  #follow(turnId: string, follower: TurnFollower): readonly TurnFollower[] {
    const others = this.#followers.get(turnId) ?? [];
    this.#followers.set(turnId, [...others, follower]);
    return others;
  }

  #offer(turnId: string, message: NotificationMessage): void {
    let isTaken = false;
    for (const offers of [this.claims, this.offers]) {
      const wasTaken = isTaken;
      for (const offer of offers) {
        const follower = offer(turnId, message, wasTaken);
        if (!follower) continue;
        isTaken = true;
        this.#follow(turnId, follower);
        this.give(turnId, [follower], message);
      }
    }
  }

  /** Whether a turn of the thread was announced under another id, and this is its start. */
  #adopt(message: NotificationMessage): boolean {
    for (const [turnId, followers] of this.#followers) {
      if (!followers.some((follower) => follower.adoptsStart)) continue;
      this.give(turnId, followers, message);
      return true;
    }
    return false;
  }
}

function tooMuchBeforeAnswer(): Error {
  return new ProtocolError(
    "The server sent more events before its answer than this client keeps: 64 MiB, or less where that is too " +
      "much for maxTotalBacklogBytes. Raise that. The turn may still run.",
  );
}
