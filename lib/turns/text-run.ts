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

/** Text deltas that go on with the same text, one after the other. */
export class TextRun<Event extends SomeEvent> {
  readonly #first: Event;
  readonly #chunks: string[] = [];
  #pieces: string[];

  private constructor(first: Event, delta: string) {
    this.#first = first;
    this.#pieces = [delta];
  }

  /** Undefined for an event that is no text delta. */
  static begin<Event extends SomeEvent>(first: Event): TextRun<Event> | undefined {
    const delta = textMethods.has(first.method) ? deltaOf(first) : undefined;
    return delta === undefined ? undefined : new TextRun(first, delta);
  }

  /** Takes the event's text in, and returns its length; undefined when it belongs elsewhere. */
  add(event: SomeEvent): number | undefined {
    const delta = deltaOf(event);
    if (delta === undefined || !this.#isContinuedBy(event)) return undefined;
    this.#pieces.push(delta);
    if (this.#pieces.length >= piecesPerChunk) this.#join();
    return delta.length;
  }

  /** The first event with the text of all; everything else in it is the same in all of them. */
  toEvent(): Event {
    this.#join();
    const params = this.#first.params as Fields;
    return { ...this.#first, params: { ...params, delta: this.#chunks.join("") } };
  }

  #join(): void {
    this.#chunks.push(this.#pieces.join(""));
    this.#pieces = [];
  }

  #isContinuedBy(event: SomeEvent): boolean {
    const first = this.#first;
    return isSameBut(event, first, envelope) && isSameBut(event.params, first.params, text);
  }
}

/** What may differ in two events that are merged; what a newer server adds may not. */
const envelope = new Set(["params", "emittedAtMs"]);
const text = new Set(["delta"]);

function isSameBut(one: unknown, other: unknown, except: ReadonlySet<string>): boolean {
  const fields = one as Fields;
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
