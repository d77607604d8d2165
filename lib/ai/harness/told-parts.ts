import type { HarnessStateData, HarnessStreamPart } from "./harness-types.js";

/** What hosts have read of a turn. */
export type ToldState = Omit<NonNullable<HarnessStateData["turn"]>, "id">;

/** The ids of calls and of results; of each text, how much there was (characters). */
interface Parts {
  readonly calls: Set<string>;
  readonly results: Set<string>;
  readonly texts: Map<string, number>;
}

/** Behind the end of a text. */
const over = -1;

/**
 * Remembers what of a turn was given to hosts, and what they have read, so that whoever goes on with it is told the
 * rest. A turn that is found again in another process begins with all that is complete; `rest()` leaves out what was
 * given.
 */
export class ToldParts {
  readonly #given: Parts;
  readonly #read: Parts;
  /** How much of a text that was read in part comes once more (characters). */
  readonly #again: Map<string, number>;
  /** The starts of texts of which hosts have read no end. */
  readonly #begun = new Map<string, HarnessStreamPart>();
  /** By what parts are remembered that have no id of their own. */
  readonly #keys = new WeakMap<HarnessStreamPart, string>();

  constructor(state?: ToldState) {
    this.#given = partsIn(state);
    this.#read = partsIn(state);
    this.#again = new Map([...this.#read.texts].filter(([, length]) => length > 0));
  }

  /** What hosts have read. */
  get state(): ToldState {
    const { calls, results, texts } = this.#read;
    return { calls: [...calls], results: [...results], texts: Object.fromEntries(texts) };
  }

  /** The starts of texts that a host has read in part: another one that reads on has to know of them. */
  get begun(): HarnessStreamPart[] {
    return [...this.#begun.values()];
  }

  hasCall(id: string): boolean {
    return this.#given.calls.has(id);
  }

  /** These parts, which belong together, unless parts were given under this key. */
  once(key: string, parts: readonly HarnessStreamPart[]): readonly HarnessStreamPart[] {
    if (!takeNew(this.#given.results, key)) return [];
    for (const part of parts) this.#keys.set(part, key);
    return parts;
  }

  /** What is left of a part to give; undefined when all of it was given. */
  rest(part: HarnessStreamPart): HarnessStreamPart | undefined {
    const { calls, results, texts } = this.#given;
    switch (part.type) {
      case "tool-call":
        return takeNew(calls, part.toolCallId) ? part : undefined;
      case "tool-result":
        return takeNew(results, part.toolCallId) ? part : undefined;
      case "text-delta":
      case "reasoning-delta":
        return texts.get(part.id) === over ? undefined : this.#restOf(part);
      case "text-start":
      case "reasoning-start":
      case "text-end":
      case "reasoning-end":
        if (texts.get(part.id) === over) return undefined;
        addText(texts, part);
        return part;
      default:
        return part;
    }
  }

  /** A host has read it. */
  read(part: HarnessStreamPart): void {
    const { calls, results, texts } = this.#read;
    switch (part.type) {
      case "tool-call":
        calls.add(part.toolCallId);
        break;
      case "tool-result":
        results.add(part.toolCallId);
        break;
      case "file-change":
      case "compaction": {
        const key = this.#keys.get(part);
        if (key !== undefined) results.add(key);
        break;
      }
      case "text-start":
      case "reasoning-start":
        this.#begun.set(part.id, part);
        addText(texts, part);
        break;
      case "text-end":
      case "reasoning-end":
        this.#begun.delete(part.id);
        addText(texts, part);
        break;
      case "text-delta":
      case "reasoning-delta":
        addText(texts, part);
        break;
      default:
    }
  }

  #restOf(part: Extract<HarnessStreamPart, { delta: string }>): HarnessStreamPart | undefined {
    const { id, delta } = part;
    const again = this.#again.get(id) ?? 0;
    if (again > 0) this.#again.set(id, Math.max(0, again - delta.length));
    const rest = delta.slice(again);
    if (rest === "") return undefined;
    const left = { ...part, delta: rest };
    addText(this.#given.texts, left);
    return left;
  }
}

function partsIn(state: ToldState | undefined): Parts {
  return {
    calls: new Set(state?.calls),
    results: new Set(state?.results),
    texts: new Map(Object.entries(state?.texts ?? {})),
  };
}

function addText(texts: Parts["texts"], part: Extract<HarnessStreamPart, { id: string }>): void {
  const length = texts.get(part.id) ?? 0;
  if ("delta" in part) texts.set(part.id, length + part.delta.length);
  else texts.set(part.id, part.type.endsWith("-end") ? over : length);
}

function takeNew(known: Set<string>, id: string): boolean {
  if (known.has(id)) return false;
  known.add(id);
  return true;
}
