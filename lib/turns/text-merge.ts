/** An event of a turn, as far as its text matters. */
export interface SomeEvent {
  readonly method: string;
  readonly params?: unknown;
}

/** The methods whose `delta` is text, to be put behind the text that came before. */
const textMethods = new Set([
  "item/agentMessage/delta",
  "item/commandExecution/outputDelta",
  "item/fileChange/outputDelta",
  "item/plan/delta",
  "item/reasoning/summaryTextDelta",
  "item/reasoning/textDelta",
]);

/** So many pieces are joined at a time: a million small strings take far more than their text. */
const piecesPerChunk = 1_024;

type Fields = Readonly<Record<string, unknown>>;

/** A text that grows piece by piece, and that can be looked at in between. */
export class GrowingText {
  #joined = "";
  #pieces: string[] = [];
  #rest = "";

  add(piece: string): void {
    this.#pieces.push(piece);
    this.#rest += piece;
    if (this.#pieces.length < piecesPerChunk) return;
    this.#joined += this.#pieces.join("");
    this.#pieces = [];
    this.#rest = "";
  }

  clear(): void {
    this.#joined = "";
    this.#pieces = [];
    this.#rest = "";
  }

  toString(): string {
    return this.#joined + this.#rest;
  }
}

/** Text deltas that go on with the same text, one after the other, as one event. */
export class TextMerge<Event extends SomeEvent> {
  readonly #first: Event;
  readonly #text = new GrowingText();

  private constructor(first: Event, delta: string) {
    this.#first = first;
    this.#text.add(delta);
  }

  /** Undefined for an event that is no text delta. */
  static begin<Event extends SomeEvent>(first: Event): TextMerge<Event> | undefined {
    const delta = textMethods.has(first.method) ? deltaOf(first) : undefined;
    return delta === undefined ? undefined : new TextMerge(first, delta);
  }

  /** Takes the event's text in, and returns its length; undefined when it belongs elsewhere. */
  add(event: Event): number | undefined {
    if (event.method !== this.#first.method) return undefined;
    const delta = deltaOf(event);
    if (delta === undefined || !this.#isContinuedBy(event)) return undefined;
    this.#text.add(delta);
    return delta.length;
  }

  /** The first event with the text of all; everything else in it is the same in all of them. */
  toItem(): Event {
    const params = this.#first.params as Fields;
    return { ...this.#first, params: { ...params, delta: this.#text.toString() } };
  }

  /** What may differ is the text, and when it was sent; what a newer server adds may not. */
  #isContinuedBy(event: Event): boolean {
    const first = this.#first;
    return (
      isSameBut(event, first, "params", "emittedAtMs") &&
      isSameBut(event.params, first.params, "delta")
    );
  }
}

function isSameBut(one: unknown, other: unknown, except: string, except2 = except): boolean {
  const fields = one as Fields;
  const others = other as Fields;
  let more = 0;
  // Faster than Object.keys(), and JSON has no prototypes with fields in them.
  for (const name in others) if (Object.hasOwn(others, name)) more += 1;
  for (const name in fields) {
    if (fields[name] !== others[name] && name !== except && name !== except2) return false;
    more -= 1;
  }
  return more === 0;
}

/** The text that a delta brings. */
export function deltaOf({ params }: SomeEvent): string | undefined {
  if (typeof params !== "object" || params === null) return undefined;
  const { delta } = params as { delta?: unknown };
  return typeof delta === "string" ? delta : undefined;
}
