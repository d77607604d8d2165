import { ContinuedTurn } from "./continued-turn.js";
import type { PartOrigin } from "./part-types.js";
import { withOrigin, type TurnPart } from "./turn-part.js";
import { TurnView } from "./turn-view.js";

export interface ContinueOptions {
  /**
   * The keys of the requests that wait for an answer at this moment: others that were shown as open are then told as
   * answered at once, and not only when their call or the turn ends.
   */
  readonly pending?: ReadonlySet<string> | undefined;
}

interface Child {
  readonly origin: PartOrigin;
  readonly turn: ContinuedTurn;
}

/** Lets through of a turn that is told again what a viewer lacks who was shown these parts. See `continueParts()`. */
export class ContinuedParts {
  readonly #own: ContinuedTurn;
  readonly #children = new Map<string, Child>();
  /** Comes before everything else. */
  #first: readonly TurnPart[];

  constructor(logged: Iterable<TurnPart>, { pending }: ContinueOptions = {}) {
    let view = TurnView.empty;
    for (const part of logged) view = TurnView.apply(view, part);
    this.#own = new ContinuedTurn(view);
    for (const agent of view.agents) this.#child(agent.origin, agent.view);
    this.#first = pending && !this.isOver ? this.#answered(pending) : [];
  }

  /** Whether `end` was shown. */
  get isOver(): boolean {
    return this.#own.isOver;
  }

  /** What a viewer lacks of the next part. */
  next({ origin, ...part }: TurnPart): readonly TurnPart[] {
    const first = this.#first;
    this.#first = [];
    if (this.isOver) return first;
    if (origin) {
      const child = this.#child(origin, TurnView.empty);
      return [...first, ...withOrigin(child.origin, child.turn.next(part))];
    }
    const lost = part.type === "end" ? this.#loseChildren() : [];
    return [...first, ...lost, ...this.#own.next(part)];
  }

  /** The last parts, when no more come; none, when `end` was among them. */
  end(): readonly TurnPart[] {
    if (this.isOver) return [];
    const end = { finalResponse: null, usage: null, durationMs: null };
    return this.next({ type: "end", status: "lost", ...end });
  }

  #answered(pending: ReadonlySet<string>): readonly TurnPart[] {
    const ofChildren = [...this.#children.values()].flatMap((child) =>
      withOrigin(child.origin, child.turn.answered(pending)),
    );
    return [...ofChildren, ...this.#own.answered(pending)];
  }

  #loseChildren(): readonly TurnPart[] {
    return [...this.#children.values()].flatMap((child) =>
      withOrigin(child.origin, child.turn.lose()),
    );
  }

  #child(origin: PartOrigin, view: TurnView): Child {
    const key = JSON.stringify([origin.threadId, origin.turnId]);
    const child = this.#children.get(key) ?? { origin, turn: new ContinuedTurn(view) };
    this.#children.set(key, child);
    return child;
  }
}
