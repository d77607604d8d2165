import type { EventOrigin } from "../turns/subagents.js";
import type { SomeEvent } from "../messages/superseding.js";
import { fieldsOf, numberOf, textOf } from "./loose-fields.js";
import { readPartOptions, type PartOptions, type Visibility } from "./part-options.js";
import type { PartOrigin } from "./part-types.js";
import { SingleTurnParts } from "./single-turn-parts.js";
import { withOrigin, type TurnPart } from "./turn-part.js";
import type { TurnEnding } from "./turn-problem.js";

/** An event of a turn, as `turn.stream()` yields it, with or without sub-agents. */
export type PartSource = SomeEvent & { readonly origin?: EventOrigin };

interface Child {
  readonly origin: PartOrigin;
  readonly parts: SingleTurnParts;
}

const nothing: readonly TurnPart[] = [];

/**
 * Makes of the events of one turn the parts that a user interface needs. The parts depend on nothing but the
 * events and the options: the same events give the same parts, whenever they come. Events of unknown kinds,
 * and of known kinds in unknown shapes, give no parts, or parts of the type `"other"`.
 *
 * ```ts
 * const parts = new TurnParts({ cwd: "/repo" });
 * for await (const event of turn.stream({ subagents: true })) send(parts.next(event));
 * ```
 *
 * `partsOf()` does the same, and also tells of what the iteration throws.
 */
export class TurnParts {
  readonly #visibility: Visibility;
  readonly #own: SingleTurnParts;
  /** The turns of its sub-agents; those that have ended say nothing more. */
  readonly #children = new Map<string, Child>();
  #isOver = false;

  /** @throws InvalidArgumentError for options that it does not know. */
  constructor(options: PartOptions = {}) {
    this.#visibility = readPartOptions("TurnParts", options);
    this.#own = new SingleTurnParts(this.#visibility);
  }

  /** Whether the last part, `"end"`, has been made. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The parts that the next event brings; of `turn/completed` the last ones. */
  next(event: PartSource): readonly TurnPart[] {
    if (this.#isOver) return nothing;
    if (numberOf(fieldsOf(event.origin)["depth"])) return this.#ofChild(event);
    // A turn that has ended says nothing more, and neither do those that worked for it.
    if (event.method === "turn/completed") {
      this.#isOver = true;
      return [...this.#endChildren(), ...this.#own.next(event)];
    }
    return this.#own.next(event);
  }

  /** The last parts of a turn whose events end without `turn/completed`; none, when they have been made. */
  end(ending: TurnEnding): readonly TurnPart[] {
    if (this.#isOver) return nothing;
    this.#isOver = true;
    return [...this.#endChildren(), ...this.#own.end(ending)];
  }

  #ofChild(event: PartSource): readonly TurnPart[] {
    if (!this.#visibility.show.subagents) return nothing;
    const { threadId, turnId, parentThreadId, depth } = fieldsOf(event.origin);
    const origin: PartOrigin = {
      threadId: textOf(threadId) ?? "",
      turnId: textOf(turnId) ?? "",
      parentThreadId: textOf(parentThreadId) ?? null,
      depth: numberOf(depth) ?? 1,
    };
    const key = JSON.stringify([origin.threadId, origin.turnId]);
    const child = this.#children.get(key) ?? {
      origin,
      parts: new SingleTurnParts(this.#visibility),
    };
    this.#children.set(key, child);
    return withOrigin(child.origin, child.parts.next(event));
  }

  #endChildren(): readonly TurnPart[] {
    return [...this.#children.values()].flatMap((child) =>
      withOrigin(child.origin, child.parts.end({ status: "lost" })),
    );
  }
}
