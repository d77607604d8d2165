import type { BacklogBudget } from "../async/backlog-budget.js";
import { Deferred } from "../async/deferred.js";
import { ProtocolError } from "../errors/connection-errors.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { Offer, TurnSink } from "./turn-sink.js";
import {
  UnclaimedEvents,
  type TurnMatch,
  type TurnSearch,
  type Unclaimed,
} from "./unclaimed-events.js";

interface EndedTurn<Sink> {
  readonly sinks: readonly Sink[];
  readonly lastEvent: NotificationMessage;
}

/** How many warnings may wait for the turn that comes next. */
const maxEarlyWarnings = 16;

/** Who follows the turns of one thread, who watches it for turns, and which are being started. */
export class ThreadRoute<Sink extends TurnSink> {
  /** Of those who have asked for the turns that come, and of those who only look on. */
  readonly claims = new Set<Offer<Sink>>();
  readonly offers = new Set<Offer<Sink>>();
  readonly #sinks = new Map<string, Sink[]>();
  /** Events of turns that nobody follows, kept while a turn of this thread waits for its id. */
  readonly #unclaimed: UnclaimedEvents;
  /** Turns that ended while a start was pending, which may turn out to have joined one of them. */
  readonly #ended = new Map<string, EndedTurn<Sink>>();
  /** Resolves when no start is pending any more; undefined when none is. */
  #settled: Deferred<void> | undefined;
  #pending = 0;
  /** Those of the starts that are pending, as far as they have said whose they are. */
  #starters: readonly Sink[] = [];
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
    return this.#pending === 0 && this.#sinks.size === 0 && !this.isWatched;
  }

  /** Whether somebody waits for turns that begin. */
  get isWatched(): boolean {
    return this.claims.size > 0 || this.offers.size > 0;
  }

  /** Resolves when no start is pending any more; undefined when none is. */
  get settled(): Promise<void> | undefined {
    return this.#settled?.promise;
  }

  /** The turn that was followed last, and still is: the one that runs, for one does at a time. */
  get latestTurnId(): string | undefined {
    return [...this.#sinks.keys()].at(-1);
  }

  /** Who starts a turn whose id is not known yet. */
  get starters(): readonly Sink[] {
    return this.#starters;
  }

  /** Everybody who follows a turn of the thread. */
  sinks(): readonly Sink[] {
    return [...this.#sinks.values()].flat();
  }

  sinksOf(turnId: string): readonly Sink[] | undefined {
    return this.#sinks.get(turnId);
  }

  /** A turn is being started. */
  begin(starter?: Sink): void {
    this.#pending += 1;
    if (starter) this.#starters = [...this.#starters, starter];
    this.#settled ??= new Deferred();
  }

  /** It was, or will not be. Returns what was kept and not claimed, when it was the last one. */
  finish(starter?: Sink): readonly Unclaimed[] {
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

  claim(turnId: string, sink: Sink): readonly Sink[] {
    const ended = this.#ended.get(turnId);
    if (ended) {
      sink.receive(ended.lastEvent);
      return ended.sinks;
    }
    const others = this.#follow(turnId, sink);
    if (this.#missed) sink.dropped?.();
    const events = this.#unclaimed.take(turnId, sink.adoptsStart === true);
    if (!events) sink.lost(tooMuchBeforeAnswer);
    for (const event of events ?? []) {
      // What comes after the end of a turn is for nobody.
      const sinks = this.#sinks.get(turnId);
      if (sinks) this.give(turnId, sinks, event);
    }
    if (this.#status !== undefined) sink.threadStatus?.(this.#status);
    if (this.#missed) void sink.restored?.(true);
    return others;
  }

  unfollow(turnId: string, sink: Sink): void {
    const rest = (this.#sinks.get(turnId) ?? []).filter((other) => other !== sink);
    if (rest.length > 0) this.#sinks.set(turnId, rest);
    else this.#sinks.delete(turnId);
  }

  give(turnId: string, sinks: readonly Sink[], message: NotificationMessage): void {
    for (const sink of sinks) sink.receive(message);
    if (this.#earlyWarnings && message.method === "turn/started") this.#giveEarly(sinks);
    if (this.#pending > 0 && !this.#sinks.has(turnId)) {
      this.#ended.set(turnId, { sinks, lastEvent: message });
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

  /** Offers a turn that somebody follows already, with some of its events. */
  share(turnId: string, events: readonly NotificationMessage[]): void {
    const before = this.#sinks.get(turnId) ?? [];
    for (const event of events) {
      const after = (this.#sinks.get(turnId) ?? []).filter((sink) => !before.includes(sink));
      if (after.length > 0) this.give(turnId, after, event);
      else this.#offer(turnId, event);
    }
  }

  /** Some that name no turn tell those who follow one that its end is near. */
  observe(message: NotificationMessage): void {
    const { method, params } = message;
    switch (method) {
      case "thread/status/changed": {
        const { status } = params as { status?: { type?: unknown } | null };
        if (typeof status?.type === "string") this.setStatus(status.type);
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
    for (const sink of this.sinks()) sink.threadStatus?.(status);
  }

  /** The first events of the turns that are being started may have been missed. */
  missed(): void {
    if (this.#pending > 0) this.#missed = true;
  }

  /** Who looks for a turn by its events gives up: they may not come any more. */
  giveUpSearches(failure: () => Error): void {
    this.#unclaimed.abandon(failure);
  }

  /** It names no turn: it belongs to the one that runs, or else to the one that begins next. */
  #warned(message: NotificationMessage): void {
    const { latestTurnId } = this;
    if (latestTurnId !== undefined) {
      this.give(latestTurnId, this.#sinks.get(latestTurnId) ?? [], message);
    } else if (this.#pending > 0 || this.isWatched) {
      this.#earlyWarnings = [...(this.#earlyWarnings ?? []), message].slice(-maxEarlyWarnings);
    }
  }

  #giveEarly(sinks: readonly Sink[]): void {
    const warnings = this.#earlyWarnings ?? [];
    this.#earlyWarnings = undefined;
    for (const warning of warnings) for (const sink of sinks) sink.receive(warning);
  }

  #follow(turnId: string, sink: Sink): readonly Sink[] {
    const others = this.#sinks.get(turnId) ?? [];
    this.#sinks.set(turnId, [...others, sink]);
    return others;
  }

  #offer(turnId: string, message: NotificationMessage): void {
    const isTaken = this.#show(this.claims, turnId, message, false);
    this.#show(this.offers, turnId, message, isTaken);
  }

  /** Returns whether somebody follows the turn now. */
  #show(
    offers: ReadonlySet<Offer<Sink>>,
    turnId: string,
    message: NotificationMessage,
    isTaken: boolean,
  ): boolean {
    let isFollowed = false;
    for (const offer of offers) {
      const sink = offer(turnId, message, isTaken);
      if (!sink) continue;
      isFollowed = true;
      this.#follow(turnId, sink);
      this.give(turnId, [sink], message);
    }
    return isFollowed;
  }

  /** Whether a turn of the thread was announced under another id, and this is its start. */
  #adopt(message: NotificationMessage): boolean {
    for (const [turnId, sinks] of this.#sinks) {
      if (!sinks.some((sink) => sink.adoptsStart)) continue;
      this.give(turnId, sinks, message);
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
