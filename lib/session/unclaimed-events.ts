import { Backlog } from "../async/backlog.js";
import type { BacklogBudget, Drop } from "../async/backlog-budget.js";
import { Deferred, ignoreRejection } from "../async/deferred.js";
import { roughBytes } from "../async/rough-bytes.js";
import type { NotificationMessage } from "../jsonrpc/message.js";

/** An event of a turn that nobody follows. */
export interface Unclaimed {
  readonly turnId: string;
  readonly message: NotificationMessage;
}

/** Says of a turn's event whether it shows the turn that is looked for. */
export type TurnMatch = (event: NotificationMessage) => boolean;

export interface TurnSearch {
  /** The id of the first turn that matches. */
  readonly found: Promise<string>;
  stop(): void;
}

interface Searcher {
  readonly matches: TurnMatch;
  readonly found: Deferred<string>;
}

/** Far more than comes before an answer; a bound for servers that never give one (bytes, roughly). */
const maxBytes = 67_108_864;

/** Events of a thread's turns that nobody follows yet, in wire order across the turns. */
export class UnclaimedEvents {
  readonly #searchers = new Set<Searcher>();
  readonly #backlogs: BacklogBudget | undefined;
  readonly #events = new Backlog<Unclaimed>({
    maxWeight: maxBytes,
    weigh: ({ message }) => roughBytes(message),
    overflow: () => undefined,
  });
  readonly #drop: Drop = () => {
    this.#overflow();
  };
  #overflowed = false;

  constructor(backlogs?: BacklogBudget) {
    this.#backlogs = backlogs;
  }

  keep(turnId: string, message: NotificationMessage): void {
    // Not before: most threads keep nothing.
    if (this.#backlogs) this.#events.countIn(this.#backlogs, this.#drop);
    if (!this.#overflowed && !this.#events.push({ turnId, message })) this.#overflow();
    for (const searcher of this.#searchers) {
      if (!searcher.matches(message)) continue;
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

  /**
   * Takes out what was kept of one turn; with `adoptsStart`, also the start under another id.
   * Undefined when more has come than could be kept, of whatever turn.
   */
  take(turnId: string, adoptsStart: boolean): readonly NotificationMessage[] | undefined {
    if (this.#overflowed) return undefined;
    let start: Unclaimed | undefined;
    const taken = this.#events.takeOut((event) => {
      if (adoptsStart && event.message.method === "turn/started") start ??= event;
      return event.turnId === turnId || event === start;
    });
    return taken.map(({ message }) => message);
  }

  /** Takes out everything, in wire order; from then on there is room again. */
  takeAll(): readonly Unclaimed[] {
    this.#overflowed = false;
    return this.#events.takeOut(() => true);
  }

  /** A turn with a hole in it would be taken for a whole one. */
  #overflow(): void {
    this.#overflowed = true;
    this.#events.clear();
  }
}
