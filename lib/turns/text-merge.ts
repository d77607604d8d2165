import { textDeltaNotifications } from "../messages/observed-notifications.js";
import type { SomeEvent } from "../messages/superseding.js";

const textMethods: ReadonlySet<string> = new Set(textDeltaNotifications);

/** So many pieces are joined at a time: a million small strings take far more than their text. */
const piecesPerChunk = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/** A text that grows piece by piece, and that can be looked at in between. */
export class GrowingText {
  #joined = "";
  #pieces: string[] = [];
  /** So many of the pieces as one, since somebody has looked. */
  #count = 0;
  #seen = "";

  add(piece: string): void {
    this.#pieces.push(piece);
    if (this.#pieces.length < piecesPerChunk) return;
    const joined = this.#joined + this.#pieces.join("");
    this.clear();
    this.#joined = joined;
  }

  clear(): void {
    this.#joined = "";
    this.#pieces = [];
    this.#count = 0;
    this.#seen = "";
  }

  toString(): string {
    for (; this.#count < this.#pieces.length; this.#count += 1) {
      this.#seen += this.#pieces[this.#count] ?? "";
    }
    return this.#joined + this.#seen;
  }
}

/** Text deltas that go on with the same text, one after the other, as one event. */
export class TextMerge<Event extends SomeEvent> {
  readonly #first: Event;
  readonly #params: Fields;
  readonly #text = new GrowingText();

  private constructor(first: Event, delta: string) {
    this.#first = first;
    this.#params = first.params as Fields;
    this.#text.add(delta);
  }

  /** Undefined for an event that is no text delta. */
  static begin<Event extends SomeEvent>(first: Event): TextMerge<Event> | undefined {
    const delta = textMethods.has(first.method) ? deltaOf(first) : undefined;
    return delta === undefined ? undefined : new TextMerge(first, delta);
  }

  /** Takes the text of an event of the same turn in, and returns its length; undefined when it belongs elsewhere. */
  addText(event: SomeEvent): number | undefined {
    const delta = event.method === this.#first.method ? deltaOf(event) : undefined;
    if (delta === undefined) return undefined;
    // One by one, and not in a loop: this is done for every delta.
    const one = event.params as TextParams;
    const first: TextParams = this.#params;
    const isSame =
      one.itemId === first.itemId &&
      one.summaryIndex === first.summaryIndex &&
      one.contentIndex === first.contentIndex;
    if (!isSame) return undefined;
    this.#text.add(delta);
    return delta.length;
  }

  /** The same, but for an event of another turn, or that says something else besides, as a newer server may. */
  add(event: Event): number | undefined {
    const saysMore =
      !isSameBut(event, this.#first, envelope) || !isSameBut(event.params, this.#params, text);
    return saysMore ? undefined : this.addText(event);
  }

  toItem(): Event {
    return { ...this.#first, params: { ...this.#params, delta: this.#text.toString() } };
  }
}

interface TextParams {
  readonly itemId?: unknown;
  readonly summaryIndex?: unknown;
  readonly contentIndex?: unknown;
}

/** What may differ in two events that are merged. */
const envelope = new Set(["params", "emittedAtMs"]);
const text = new Set(["delta"]);

function isSameBut(one: unknown, other: unknown, except: ReadonlySet<string>): boolean {
  const fields = (one ?? {}) as Fields;
  const others = other as Fields;
  const names = Object.keys(fields);
  if (names.length !== Object.keys(others).length) return false;
  return names.every((name) => fields[name] === others[name] || except.has(name));
}

/** The text that a delta brings. */
export function deltaOf({ params }: SomeEvent): string | undefined {
  if (typeof params !== "object" || params === null) return undefined;
  const { delta } = params as { delta?: unknown };
  return typeof delta === "string" ? delta : undefined;
}
