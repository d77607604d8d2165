import type { BacklogBudget } from "../async/backlog-budget.js";
import type { Life } from "../async/life.js";
import type { TurnEvent } from "../protocol.js";
import type { TurnState } from "../results/turn-state.js";
import type { TurnHappening } from "./machine/facts.js";
import type { EndedReport, TurnReport } from "./read-stored-turn.js";
import { TurnInbox } from "./turn-inbox.js";
import { TurnProgress } from "./turn-progress.js";
import type { TurnListener, TurnRequest } from "./turn-request.js";

const nothing: readonly TurnHappening[] = [];

/**
 * A turn as its events tell of it: shows them to the handle, keeps the state, and says which of them matter
 * for what happens next. Of a piece of text nothing does.
 *
 * A review has two ids: one in its answer and its events, and another in `turn/started`, which is the one to
 * interrupt it by. Callers see the first only.
 */
export class RunningTurn {
  readonly #threadId: string;
  readonly #listener: TurnListener;
  readonly #life: Life;
  readonly #progress: TurnProgress;
  readonly #inbox: TurnInbox;
  /** Undefined for a turn that somebody else has started. */
  readonly #isReview: boolean | undefined;
  /** It is in the state, too, but to look there at every event would end each run of deltas. */
  #id = "";
  /** The id in `turn/started`. */
  #startedId: string | undefined;
  #isComplete = false;

  /** Nothing more is shown once those who wait for the turn have been told of its end. */
  constructor({ threadId, start }: TurnRequest, listener: TurnListener, life: Life) {
    this.#threadId = threadId;
    this.#listener = listener;
    this.#life = life;
    this.#progress = new TurnProgress(threadId);
    this.#inbox = new TurnInbox(this.#progress);
    this.#isReview = "send" in start ? start.method === "review/start" : undefined;
    life.onOver(() => {
      this.#inbox.close();
    });
  }

  get state(): TurnState {
    return this.#progress.state;
  }

  set state(state: TurnState) {
    this.#progress.state = state;
  }

  /** The id that callers see; empty until the server has named the turn. */
  get id(): string {
    return this.#id;
  }

  set id(id: string) {
    this.#id = id;
    this.state = { ...this.state, id };
  }

  /** The id to interrupt the turn by. */
  get runningId(): string {
    return this.#startedId ?? this.#id;
  }

  /** Whether a `turn/started` with an unknown id is this turn's. */
  get adoptsStart(): boolean {
    if (this.#startedId !== undefined) return false;
    const { items, openItems } = this.state;
    const isReview = () =>
      [...items, ...openItems].some(({ type }) => type === "enteredReviewMode");
    return this.#isReview ?? isReview();
  }

  /** How often events may have been missed: what was read before the last time may be old. */
  get losses(): number {
    return this.#inbox.losses;
  }

  receive(event: TurnEvent): readonly TurnHappening[] {
    return this.#inbox.admits(event) ? this.#show(event) : nothing;
  }

  /** From now on events may be missed: they are held back. */
  hold(budget: BacklogBudget | undefined): void {
    this.#inbox.hold(budget);
  }

  /** Delivers what `report` tells of the time in which events were held back, and then these. */
  release(report: TurnReport): readonly TurnHappening[] {
    const happenings: TurnHappening[] = [];
    for (const event of this.#inbox.release(report)) happenings.push(...this.#show(event));
    if (report.state === "ended") happenings.push(...this.#deliverEnd(report));
    return happenings;
  }

  /** Delivers what the server says of a turn that has ended though it never said so. */
  settle(report: EndedReport): readonly TurnHappening[] {
    const happenings: TurnHappening[] = [];
    for (const event of this.#inbox.missed(report)) happenings.push(...this.#show(event));
    return [...happenings, ...this.#deliverEnd(report)];
  }

  /** The same of a turn that has ended with an error, as far as is known. */
  settleAsFailed(): readonly TurnHappening[] {
    const { id, error, startedAt } = this.state;
    const times = { startedAt, completedAt: null, durationMs: null };
    const turn = { id, status: "failed", error, ...times } as const;
    return this.settle({ state: "ended", turn, items: undefined, isLast: true });
  }

  #show(received: TurnEvent): readonly TurnHappening[] {
    if (this.#isComplete || this.#life.isOver() || this.#isKnown(received)) return nothing;
    const event = this.#translate(received);
    this.#progress.add(event);
    if (!this.#life.hasEnded()) this.#listener.event(event);
    switch (event.method) {
      case "turn/started":
        return [{ type: "started" }];
      case "turn/completed":
        this.#isComplete = true;
        return [{ type: "completed" }];
      case "error":
        return [{ type: "error", isFinal: !event.params.willRetry }];
      default:
        return nothing;
    }
  }

  /** Of a turn that was found in the server's store while it began, its start comes as an event, too. */
  #isKnown({ method, params }: TurnEvent): boolean {
    return method === "turn/started" && params.turn.id === this.#startedId;
  }

  #translate(event: TurnEvent): TurnEvent {
    if (event.method !== "turn/started") return event;
    const { turn } = event.params;
    this.#startedId = turn.id;
    if (turn.id === this.#id) return event;
    return { ...event, params: { ...event.params, turn: { ...turn, id: this.#id } } };
  }

  /** What the server should have sent. */
  #deliverEnd({ turn }: EndedReport): readonly TurnHappening[] {
    const { id } = this;
    const kind = { rootTurnId: null, itemsView: "notLoaded" } as const;
    const params = { threadId: this.#threadId, turn: { ...turn, ...kind, id, items: [] } };
    return this.#show({ method: "turn/completed", params });
  }
}
