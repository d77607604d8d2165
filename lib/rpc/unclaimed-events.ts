import { Deferred, ignoreRejection } from "../async/deferred.js";
import type { NotificationMessage } from "./message.js";

/** An event of a turn that nobody follows. */
export interface Unclaimed {
  readonly turnId: string;
  readonly message: NotificationMessage;
}

/** Looks at a turn's events so far, and says whether it is the turn that is looked for. */
export type TurnMatch = (events: readonly NotificationMessage[]) => boolean;

export interface TurnSearch {
  /** The id of the first turn that matches. */
  readonly found: Promise<string>;
  stop(): void;
}

interface Searcher {
  readonly matches: TurnMatch;
  readonly found: Deferred<string>;
}

/** Events of a thread's turns that nobody follows yet, in wire order across the turns. */
export class UnclaimedEvents {
  readonly #searchers = new Set<Searcher>();
  #events: Unclaimed[] = [];

  keep(turnId: string, message: NotificationMessage): void {
    this.#events.push({ turnId, message });
    for (const searcher of this.#searchers) {
      if (!searcher.matches(this.#of(turnId))) continue;
      this.#searchers.delete(searcher);
      searcher.found.resolve(turnId);
      return;
    }
  }

  /** Looks for a turn among those whose events come from now on. */
  search(matches: TurnMatch): TurnSearch {
    const searcher = { matches, found: new Deferred<string>() };
    this.#searchers.add(searcher);
    return {
      found: ignoreRejection(searcher.found.promise),
      stop: () => this.#searchers.delete(searcher),
    };
  }

  /** Nothing more will come. */
  abandon(failure: () => Error): void {
    for (const { found } of this.#searchers) found.reject(failure());
    this.#searchers.clear();
  }

  /** Takes out what was kept of one turn; with `adoptsStart`, also the start under another id. */
  take(turnId: string, adoptsStart: boolean): readonly NotificationMessage[] {
    const start = adoptsStart ? this.#events.find(isStart) : undefined;
    const belongs = (one: Unclaimed) => one.turnId === turnId || one === start;
    const taken = this.#events.filter(belongs);
    this.#events = this.#events.filter((one) => !belongs(one));
    return taken.map(({ message }) => message);
  }

  /** Takes out everything, in wire order. */
  takeAll(): readonly Unclaimed[] {
    return this.#events.splice(0);
  }

  #of(turnId: string): readonly NotificationMessage[] {
    return this.#events.filter((one) => one.turnId === turnId).map(({ message }) => message);
  }
}

function isStart({ message }: Unclaimed): boolean {
  return message.method === "turn/started";
}
