import type { TurnEvent } from "../protocol.js";
import { TurnGap } from "./turn-gap.js";
import type { StoredItem, TurnReport } from "./turn-reconcile.js";
import type { TurnState } from "./turn-state.js";

interface InboxOwner {
  readonly state: TurnState;
  /** Takes an event. Once the turn has ended neither function does anything. */
  deliver(event: TurnEvent): void;
  /** The server says that the turn has ended. */
  end(report: EndedReport): void;
}

type EndedReport = Extract<TurnReport, { state: "ended" }>;

/** Stands between the events that were held back, where the connection dropped once more. */
const loss = Symbol("loss");

/**
 * Where a turn's events come in. While the connection is away they are held back, until what was
 * missed has been read from the server's store: that comes first, and nothing twice.
 */
export class TurnInbox {
  readonly #owner: InboxOwner;
  #held: (TurnEvent | typeof loss)[] | undefined;
  /** There once events may have been missed. */
  #gap: TurnGap | undefined;
  #losses = 0;

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  isHolding(): boolean {
    return this.#held !== undefined;
  }

  receive(event: TurnEvent): void {
    if (this.#held) this.#held.push(event);
    else if (!this.#gap || this.#gap.admits(event)) this.#owner.deliver(event);
  }

  /** From now on events may be missed. */
  hold(): void {
    this.#losses += 1;
    if (!this.#held) this.#held = [];
    else if (this.#held.length > 0) this.#held.push(loss);
  }

  /** Delivers what `read` tells of the time away, then what was held back. Resolves with the former. */
  async catchUp(read: () => Promise<TurnReport>): Promise<TurnReport> {
    const losses = this.#losses;
    const report = await read();
    // Lost again: what was read may be old by the time when the connection is back.
    if (losses === this.#losses) this.release(report);
    return report;
  }

  /** The same with what is known already. */
  release(report: TurnReport): void {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    const gap = (this.#gap ??= new TurnGap());
    gap.reopen();
    const { state } = this.#owner;
    const missedTheStart = hasNothing(state);
    if (isIncomplete(report, state)) this.#owner.deliver(gapEvent(state));
    // Of a turn whose first events were missed, these may have come before the loss as well as after.
    const start = held.find(isStart);
    if (start) this.#owner.deliver(start);
    this.#tellMissed(report, gap);
    for (const event of held) {
      if (event === start) continue;
      if (event === loss || missedTheStart) gap.reopen();
      if (event === loss) this.#owner.deliver(gapEvent(this.#owner.state));
      else if (gap.admits(event)) this.#owner.deliver(event);
    }
    if (report.state === "ended") this.#owner.end(report);
  }

  /** Delivers what the server says of a turn that has ended though it never said so. */
  settle(report: EndedReport): void {
    this.#tellMissed(report);
    this.#owner.end(report);
  }

  #tellMissed(report: TurnReport, gap?: TurnGap): void {
    const { state } = this.#owner;
    const known = new Set(state.items.map(({ id }) => id));
    for (const stored of ("items" in report ? report.items : undefined) ?? []) {
      if (known.has(stored.item.id)) continue;
      gap?.told(stored.item.id);
      this.#owner.deliver(itemCompleted(state, stored));
    }
  }
}

function isStart(event: TurnEvent | typeof loss): event is TurnEvent {
  return event !== loss && event.method === "turn/started";
}

function hasNothing({ startedAt, items, openItems }: TurnState): boolean {
  return startedAt === null && items.length === 0 && openItems.length === 0;
}

/** Whether something was missed that no item brings, or may have been. */
function isIncomplete(report: TurnReport, { openItems }: TurnState): boolean {
  return report.state !== "ended" || report.items === undefined || openItems.length > 0;
}

/** Says that events are missing here. */
export function gapEvent({ threadId, id, openItems }: TurnState): TurnEvent {
  const itemIds = openItems.map((item) => item.id);
  return { method: "connection/gap", params: { threadId, turnId: id, itemIds } };
}

function itemCompleted(
  { threadId, id }: TurnState,
  { item, completedAtMs }: StoredItem,
): TurnEvent {
  const params = { threadId, turnId: id, item, completedAtMs: completedAtMs ?? Date.now() };
  return { method: "item/completed", params };
}
