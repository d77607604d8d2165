import { Backlog } from "../async/backlog.js";
import type { BacklogBudget } from "../async/backlog-budget.js";
import type { TurnEvent } from "../protocol.js";
import { heldBacklog } from "./event-backlog.js";
import { TurnGap } from "./turn-gap.js";
import type { StoredItem, TurnReport } from "./turn-reconcile.js";
import type { TurnState } from "../results/turn-state.js";

interface InboxOwner {
  readonly state: TurnState;
  /** Counts what is held back, too. */
  readonly backlogs: BacklogBudget | undefined;
  /** Takes an event. Once the turn has ended neither function does anything. */
  deliver(event: TurnEvent): void;
  /** The server says that the turn has ended. */
  end(report: EndedReport): void;
}

type EndedReport = Extract<TurnReport, { state: "ended" }>;

/**
 * Stands between the events that were held back, where the connection dropped once more, or where they
 * became too many. What there is to say of it turns out when it is delivered.
 */
const loss: TurnEvent = {
  method: "connection/gap",
  params: { threadId: "", turnId: "", itemIds: [] },
};

/** What a turn's result is made of: it is kept until the end of the turn anyway. */
const ofTheResult = new Set([
  "error",
  "guardianWarning",
  "item/completed",
  "item/started",
  "thread/tokenUsage/updated",
  "turn/completed",
  "turn/started",
  "warning",
]);

/**
 * Where a turn's events come in. While the connection is away they are held back, until what was
 * missed has been read from the server's store: that comes first, and nothing twice.
 */
export class TurnInbox {
  readonly #owner: InboxOwner;
  #held: Backlog<TurnEvent> | undefined;
  /** Keeps out of them what would not be shown later either. */
  readonly #heldGap = new TurnGap();
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
    if (this.#held) this.#keep(this.#held, event);
    else if (!this.#gap || this.#gap.admits(event)) this.#owner.deliver(event);
  }

  /** From now on events may be missed. */
  hold(): void {
    this.#losses += 1;
    this.#heldGap.reopen();
    if (!this.#held) this.#held = this.#createHeld();
    else if (this.#held.size > 0) this.#held.push(loss);
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
    if (!this.#held) return;
    const held = [...drain(this.#held)];
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

  /** Drops what is held back: nobody is interested any more. */
  close(): void {
    this.#held?.clear();
    this.#held = undefined;
  }

  /** Where too much is held back, the text is left out: it comes once more when its items complete. */
  #keep(held: Backlog<TurnEvent>, event: TurnEvent): void {
    if (this.#heldGap.admits(event) && !held.push(event)) this.#shorten(held);
  }

  #createHeld(): Backlog<TurnEvent> {
    const held = new Backlog<TurnEvent>(heldBacklog(isOfTheResult));
    const { backlogs } = this.#owner;
    if (backlogs) {
      held.countIn(backlogs, () => {
        this.#shorten(held);
      });
    }
    return held;
  }

  #shorten(held: Backlog<TurnEvent>): void {
    held.retain(isOfTheResult);
    held.push(loss);
    this.#heldGap.reopen();
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

function isStart({ method }: TurnEvent): boolean {
  return method === "turn/started";
}

/** A loss has to stay where it is. */
function isOfTheResult(event: TurnEvent): boolean {
  return event === loss || ofTheResult.has(event.method);
}

function* drain<T>(backlog: Backlog<T>): Generator<T> {
  while (backlog.size > 0) yield backlog.shift() as T;
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
