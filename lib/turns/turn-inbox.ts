import { Backlog, type BacklogRules } from "../async/backlog.js";
import type { BacklogBudget } from "../async/backlog-budget.js";
import { textOf } from "../messages/field-of.js";
import type { TurnEvent } from "../protocol.js";
import { eventBacklog } from "./event-backlog.js";
import type { StoredItem, TurnReport } from "./read-stored-turn.js";
import { deltaOf } from "./text-merge.js";
import type { TurnProgress } from "./turn-progress.js";
import type { TurnState } from "../results/turn-state.js";

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

const rules = eventBacklog<TurnEvent>("turn");

/** What the result is made of is held back in any case; the usage of a turn is computed from all that is told of it. */
const heldEvents: BacklogRules<TurnEvent> = {
  ...rules,
  weigh: (event) => (isOfTheResult(event) ? 0 : rules.weigh(event)),
  keyOf: (event) => (isOfTheResult(event) ? undefined : rules.keyOf?.(event)),
};

/**
 * Decides which of a turn's events are delivered. While the connection is away they are held back, until
 * what was missed has been read from the server's store: that comes first, and nothing twice.
 */
export class TurnInbox {
  readonly #progress: TurnProgress;
  #held: Backlog<TurnEvent> | undefined;
  /** Keeps out of them what would not be shown later either. */
  readonly #heldGap = new TurnGap();
  /** There once events may have been missed. */
  #gap: TurnGap | undefined;
  #losses = 0;

  /** `progress` is kept up to date with each event that is delivered, before the next one is asked for. */
  constructor(progress: TurnProgress) {
    this.#progress = progress;
  }

  /** How often events may have been missed: what was read before the last time may be old. */
  get losses(): number {
    return this.#losses;
  }

  /** Whether the event is to be delivered now: otherwise it is held back, or makes no sense. */
  admits(event: TurnEvent): boolean {
    if (!this.#held) return !this.#gap || this.#gap.admits(event);
    // Where too much is held back, the text is left out: it comes once more when its items complete.
    if (this.#heldGap.admits(event) && !this.#held.push(event)) this.#shorten(this.#held);
    return false;
  }

  /** From now on events may be missed. What is held back counts in the budget. */
  hold(budget: BacklogBudget | undefined): void {
    this.#losses += 1;
    this.#heldGap.reopen();
    if (!this.#held) this.#held = this.#createHeld(budget);
    else if (this.#held.size > 0) this.#held.push(loss);
  }

  /** What is to be delivered now: what `report` tells of the time away, then what was held back. */
  *release(report: TurnReport): Generator<TurnEvent> {
    if (!this.#held) return;
    const held = this.#held.takeOut(() => true);
    this.#held = undefined;
    const gap = (this.#gap ??= new TurnGap());
    gap.reopen();
    const { state } = this.#progress;
    const missedTheStart = hasNothing(state);
    if (isIncomplete(report, state)) yield gapEvent(state);
    // Of a turn whose first events were missed, these may have come before the loss as well as after.
    const start = held.find(({ method }) => method === "turn/started");
    if (start) yield start;
    yield* this.missed(report);
    for (const event of held) {
      if (event === start) continue;
      if (event === loss || missedTheStart) gap.reopen();
      if (event === loss) yield gapEvent(this.#progress.state);
      else if (gap.admits(event)) yield event;
    }
  }

  /** The items that the server has stored and that have not been delivered. */
  *missed(report: TurnReport): Generator<TurnEvent> {
    const { state } = this.#progress;
    const known = new Set(state.items.map(({ id }) => id));
    for (const stored of ("items" in report ? report.items : undefined) ?? []) {
      if (known.has(stored.item.id)) continue;
      this.#gap?.told(stored.item.id);
      yield itemCompleted(state, stored);
    }
  }

  /** Drops what is held back: nobody is interested any more. */
  close(): void {
    this.#held?.clear();
    this.#held = undefined;
  }

  #createHeld(budget: BacklogBudget | undefined): Backlog<TurnEvent> {
    const held = new Backlog(heldEvents);
    if (budget) {
      held.countIn(budget, () => {
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
}

/**
 * Tells apart what makes sense behind a gap in the events. The rest of a text whose beginning was
 * missed does not: the whole of it comes when its item completes. Nor does what the server's store
 * has told already, which may come once more as an event.
 */
export class TurnGap {
  /** The items that were told from the store. */
  readonly #told = new Set<string>();
  /** The items whose start came behind the gap. */
  readonly #whole = new Set<string>();

  /** Events have been missed again: what was in progress is whole no more. */
  reopen(): void {
    this.#whole.clear();
  }

  /** This item comes from the store, and so not again. */
  told(itemId: string): void {
    this.#told.add(itemId);
  }

  admits(event: TurnEvent): boolean {
    switch (event.method) {
      case "item/started":
      case "item/completed": {
        const id = textOf(event.params, "item", "id");
        if (id === undefined) return true;
        if (event.method === "item/started") this.#whole.add(id);
        return !this.#told.has(id);
      }
      default: {
        // A request names its item in either way; one of an item that is over is of no interest any more.
        const itemId = textOf(event.params, "itemId") ?? textOf(event.params, "callId");
        if (itemId === undefined) return true;
        if (this.#told.has(itemId)) return false;
        return deltaOf(event) === undefined || this.#whole.has(itemId);
      }
    }
  }
}

/** A loss has to stay where it is. */
function isOfTheResult(event: TurnEvent): boolean {
  return event === loss || ofTheResult.has(event.method);
}

function hasNothing({ startedAt, items, openItems }: TurnState): boolean {
  return startedAt === null && items.length === 0 && openItems.length === 0;
}

/** Whether something was missed that no item brings, or may have been. */
function isIncomplete(report: TurnReport, { openItems }: TurnState): boolean {
  return report.state !== "ended" || report.items === undefined || openItems.length > 0;
}

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
