import type { HarnessStateData, HarnessStreamPart } from "./harness-types.js";

/** What a host was told of a turn. */
export type ToldState = Omit<NonNullable<HarnessStateData["turn"]>, "id">;

/** Behind the end of a text. */
const over = -1;

/**
 * Remembers what of a turn the host was told, so that whoever goes on with it tells the rest. A turn that is found again
 * in another process begins with all that is complete; `rest()` leaves out what was told.
 */
export class ToldParts {
  readonly #calls: Set<string>;
  readonly #results: Set<string>;
  readonly #texts: Map<string, number>;
  /** How much of a text that was told in part comes once more (characters). */
  readonly #again: Map<string, number>;

  constructor(state?: ToldState) {
    this.#calls = new Set(state?.calls);
    this.#results = new Set(state?.results);
    this.#texts = new Map(Object.entries(state?.texts ?? {}));
    this.#again = new Map([...this.#texts].filter(([, length]) => length > 0));
  }

  get state(): ToldState {
    return {
      calls: [...this.#calls],
      results: [...this.#results],
      texts: Object.fromEntries(this.#texts),
    };
  }

  /** Whether the changes of this item were told. */
  hasResult(id: string): boolean {
    return this.#results.has(id);
  }

  addResult(id: string): void {
    this.#results.add(id);
  }

  hasCall(id: string): boolean {
    return this.#calls.has(id);
  }

  /** What is left of a part to tell; undefined when all of it was told. */
  rest(part: HarnessStreamPart): HarnessStreamPart | undefined {
    switch (part.type) {
      case "tool-call":
        return takeNew(this.#calls, part.toolCallId) ? part : undefined;
      case "tool-result":
        return takeNew(this.#results, part.toolCallId) ? part : undefined;
      case "text-start":
      case "reasoning-start":
        if (this.#texts.get(part.id) === over) return undefined;
        if (!this.#again.has(part.id)) this.#texts.set(part.id, 0);
        return part;
      case "text-delta":
      case "reasoning-delta":
        return this.#restOf(part);
      case "text-end":
      case "reasoning-end":
        if (this.#texts.get(part.id) === over) return undefined;
        this.#texts.set(part.id, over);
        this.#again.delete(part.id);
        return part;
      default:
        return part;
    }
  }

  #restOf(part: Extract<HarnessStreamPart, { delta: string }>): HarnessStreamPart | undefined {
    const { id, delta } = part;
    const told = this.#texts.get(id) ?? 0;
    if (told === over) return undefined;
    const again = this.#again.get(id) ?? 0;
    if (again > 0) this.#again.set(id, Math.max(0, again - delta.length));
    const rest = delta.slice(again);
    if (rest === "") return undefined;
    this.#texts.set(id, told + rest.length);
    return { ...part, delta: rest };
  }
}

function takeNew(known: Set<string>, id: string): boolean {
  if (known.has(id)) return false;
  known.add(id);
  return true;
}
