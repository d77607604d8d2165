import { textsOf, type Fields } from "./loose-fields.js";
import type { Visibility } from "./part-options.js";
import type { PartBody } from "./turn-part.js";

/** How much was told of the sections of one piece of reasoning. */
interface Told {
  readonly summary: string[];
  readonly raw: string[];
}

/** The model's reasoning in one turn, as parts. */
export class ReasoningParts {
  readonly #shows: { readonly summary: boolean; readonly raw: boolean };
  readonly #open = new Map<string, Told>();

  constructor({ show }: Visibility) {
    this.#shows = { summary: show.reasoning, raw: show.rawReasoning };
  }

  started(id: string): readonly PartBody[] {
    const parts = this.end();
    this.#open.set(id, { summary: [], raw: [] });
    return [...parts, { type: "reasoning-start", id }];
  }

  delta(id: string, kind: keyof Told, index: unknown, delta: string): readonly PartBody[] {
    const sections = this.#open.get(id)?.[kind];
    if (!sections || delta === "" || typeof index !== "number") return [];
    // The index comes from the wire: it must not be able to make a huge array.
    if (!Number.isInteger(index) || index < 0 || index > sections.length) return [];
    sections[index] = (sections[index] ?? "") + delta;
    if (!this.#shows[kind]) return [];
    const raw = kind === "raw" ? ({ raw: true } as const) : {};
    return [{ type: "reasoning-delta", id, section: index, delta, ...raw }];
  }

  /** What was not streamed is told now. */
  completed(id: string, { summary, content }: Fields): readonly PartBody[] {
    const begun = this.#open.has(id) ? [] : this.started(id);
    const rest = (kind: keyof Told, texts: readonly string[]): readonly PartBody[] =>
      texts.flatMap((text, index) => {
        const told = this.#open.get(id)?.[kind][index] ?? "";
        return text.startsWith(told) ? this.delta(id, kind, index, text.slice(told.length)) : [];
      });
    const parts = [
      ...begun,
      ...rest("summary", textsOf(summary)),
      ...rest("raw", textsOf(content)),
    ];
    this.#open.delete(id);
    return [...parts, { type: "reasoning-end", id }];
  }

  /** The model goes on to something else, breaks off, or is at its end. */
  end(): readonly PartBody[] {
    const ids = [...this.#open.keys()];
    this.#open.clear();
    return ids.map((id) => ({ type: "reasoning-end", id }));
  }
}
