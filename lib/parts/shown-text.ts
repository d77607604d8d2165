import type { PartBody, PartOf } from "./turn-part.js";
import type { ViewEntry } from "./turn-view.js";

/** A text that was shown, and what is told of it again. */
export class ShownText {
  #shown: string;
  #told = "";
  #isToldAgain = false;

  constructor(shown: string) {
    this.#shown = shown;
  }

  /** The entries of one type as they were shown, by their ids. */
  static of<Type extends ViewEntry["type"]>(
    entries: readonly ViewEntry[],
    type: Type,
  ): Map<string, ShownEntry<Extract<ViewEntry, { type: Type }>>> {
    const shown = new Map<string, ShownEntry<Extract<ViewEntry, { type: Type }>>>();
    for (const entry of entries) {
      if (!isOf(entry, type) || !("id" in entry)) continue;
      const text = new ShownText(textIn(entry));
      const sections = new ShownSections(entry);
      shown.set(entry.id, { entry, text, sections, isSteered: false });
    }
    return shown;
  }

  /** What was told again so far. */
  get told(): string {
    return this.#told;
  }

  get isToldAgain(): boolean {
    return this.#isToldAgain;
  }

  /** Whether all that is told again was shown, and nothing else. */
  get isWhole(): boolean {
    return this.#told === this.#shown;
  }

  /** Whether what is told again is a part of what was shown, from its start. */
  get isBehind(): boolean {
    return this.#shown.startsWith(this.#told);
  }

  /** It is told from its start, with this text. */
  tellAgain(text = ""): void {
    this.#isToldAgain = true;
    this.#told = text;
  }

  /** It goes on. Gives what is to be shown of that: nothing, while it is what was shown, or something else. */
  add(delta: string): string {
    this.#isToldAgain = true;
    this.#told += delta;
    return this.rest() ?? "";
  }

  /** What is told again and was not shown, which counts as shown from now on; undefined when it does not fit. */
  rest(): string | undefined {
    if (!this.#told.startsWith(this.#shown)) return undefined;
    const rest = this.#told.slice(this.#shown.length);
    this.#shown = this.#told;
    return rest;
  }
}

/** The sections of a piece of reasoning, in the same way. */
export class ShownSections {
  readonly #sections = new Map<string, { readonly text: ShownText; readonly at: SectionAt }>();

  constructor(entry: ViewEntry) {
    if (entry.type !== "reasoning") return;
    for (const [section, text] of entry.sections.entries()) this.#set({ section }, text);
    for (const [section, text] of entry.raw.entries()) this.#set({ section, raw: true }, text);
  }

  /** Whether what is told again has nothing that was not shown. */
  get areWhole(): boolean {
    return [...this.#sections.values()].every(({ text }) => text.isBehind);
  }

  tellAgain(): void {
    for (const { text } of this.#sections.values()) text.tellAgain();
  }

  add({ section, raw, delta }: PartOf<"reasoning-delta">): string {
    const at = raw ? { section, raw } : { section };
    return (this.#sections.get(keyOf(at)) ?? this.#set(at, "")).text.add(delta);
  }

  /** All that is told again. */
  anew(id: string): readonly PartBody[] {
    return [...this.#sections.values()].flatMap(({ text, at }): PartBody[] =>
      text.told === "" ? [] : [{ type: "reasoning-delta", id, ...at, delta: text.told }],
    );
  }

  #set(at: SectionAt, shown: string) {
    const made = { text: new ShownText(shown), at };
    this.#sections.set(keyOf(at), made);
    return made;
  }
}

type SectionAt = Pick<PartOf<"reasoning-delta">, "section" | "raw">;

/** An entry of a view, and what is told of it again. */
export interface ShownEntry<Entry extends ViewEntry> {
  entry: Entry;
  readonly text: ShownText;
  readonly sections: ShownSections;
  /** Of a message: whether the user has said something behind it. */
  isSteered: boolean;
}

function keyOf({ section, raw }: SectionAt): string {
  return `${section} ${raw === true}`;
}

function isOf<Type extends ViewEntry["type"]>(
  entry: ViewEntry,
  type: Type,
): entry is Extract<ViewEntry, { type: Type }> {
  return entry.type === type;
}

function textIn(entry: ViewEntry): string {
  if (entry.type === "message") return entry.text;
  return entry.type === "tool" ? entry.output : "";
}
