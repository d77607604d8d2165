import { checkOptions } from "../errors/check-options.js";
import { checkFields, oneOf, type RulesOf } from "../errors/check-values.js";
import type { MessageUpdate } from "./message-updates.js";
import type { SomeEvent } from "../messages/superseding.js";
import { isRetryNotice } from "./turn-state.js";

/** Which messages `textStream()` yields the text of. */
export interface TextStreamOptions {
  /**
   * `"answer"` (default): the final answer, and messages that the model has not marked at all.
   * `"all"`: every message, remarks on the way to the answer, too.
   */
  messages?: "answer" | "all" | undefined;
}

type Wanted = NonNullable<TextStreamOptions["messages"]>;

const rules: RulesOf<TextStreamOptions> = { messages: oneOf("answer", "all") };

/** Stands between two messages. */
const blankLine = "\n\n";

/**
 * The text of messages as one, of which nothing can be taken back. A blank line parts them. A message
 * that broke off and is said anew goes on where it broke off, if it begins with all that was yielded of
 * it; else the whole of it comes behind a blank line.
 */
export class AnswerText {
  /** What was yielded since the last blank line: the text of a message, as far as it had come. */
  #yielded = "";
  /** What the text that comes next does. */
  #next: "goes on" | "begins" | "may repeat" = "goes on";
  /** How much of what was yielded has come again (UTF-16 code units). */
  #repeated = 0;
  /** The message in progress, of which something was taken in, and how much that was. */
  #current: string | undefined;
  #taken = 0;
  /** The same of messages of this turn that another one came in between. */
  readonly #aside = new Map<string, number>();
  /** Whether nothing has begun since a message was completed. */
  #isNewest = false;
  #turnId = "";

  /**
   * To be told of each event before the updates that it brings. A model that breaks off right behind a whole
   * message is told, when it is asked again, what it has said; should it say that once more, it is not
   * yielded twice.
   */
  observe(event: SomeEvent): void {
    if (event.method === "item/started") this.#isNewest = false;
    else if (this.#isNewest && isRetryNotice(event)) this.#breakOff();
  }

  /** What an update adds to the text. */
  next(update: MessageUpdate, wanted: Wanted): string {
    const { type, turnId, id, phase, text } = update;
    if (turnId !== this.#turnId) this.#enter(turnId);
    const isWanted = wanted === "all" || isAnswer(phase);
    switch (type) {
      case "started":
        this.#aside.delete(id);
        return "";
      case "delta":
        return isWanted ? this.#take(id, text, update.delta) : "";
      case "completed": {
        const rest = isWanted ? this.#take(id, text) : "";
        return rest + (id === this.#current ? this.#complete(text, isWanted) : "");
      }
      default:
        if (id === this.#current) this.#breakOff();
        this.#aside.delete(id);
        return "";
    }
  }

  /** A turn does not say anew what the one before it broke off. */
  #enter(turnId: string): void {
    this.#turnId = turnId;
    this.#isNewest = false;
    this.#aside.clear();
    this.#part();
  }

  #part(): void {
    this.#current = undefined;
    this.#next = this.#yielded === "" ? "goes on" : "begins";
  }

  #breakOff(): void {
    this.#current = undefined;
    this.#isNewest = false;
    this.#next = "may repeat";
    this.#repeated = 0;
  }

  #complete(text: string, isWanted: boolean): string {
    // It has ended within what was yielded; white space at the end may be lost on the way.
    const isShorter =
      isWanted && this.#next === "may repeat" && this.#yielded.slice(this.#repeated).trim() !== "";
    if (isShorter) this.#yielded = text;
    this.#part();
    this.#isNewest = true;
    return isShorter ? blankLine + text : "";
  }

  /** Takes in what is new of a message's text: all of it when its mark came late. */
  #take(id: string, text: string, delta?: string): string {
    if (id !== this.#current) {
      if (text.length === (this.#aside.get(id) ?? 0)) return "";
      this.#turnTo(id);
    }
    const before = this.#taken;
    if (before === text.length) return "";
    this.#taken = text.length;
    // Cutting the text into pieces once more would cost more the longer it is.
    const isNext = delta !== undefined && before + delta.length === text.length;
    const more = isNext ? delta : text.slice(before);
    switch (this.#next) {
      case "goes on":
        this.#yielded = text;
        return more;
      case "begins":
        return this.#begin(text);
      case "may repeat":
        return this.#compare(text, more);
    }
  }

  #turnTo(id: string): void {
    if (this.#current !== undefined) {
      this.#aside.set(this.#current, this.#taken);
      this.#breakOff();
    }
    this.#current = id;
    this.#taken = 0;
  }

  #begin(text: string): string {
    this.#next = "goes on";
    this.#yielded = text;
    return blankLine + text;
  }

  #compare(text: string, more: string): string {
    const left = this.#yielded.length - this.#repeated;
    const known = this.#yielded.slice(this.#repeated, this.#repeated + more.length);
    if (!more.startsWith(known)) return this.#begin(text);
    this.#repeated += known.length;
    if (more.length < left) return "";
    this.#next = "goes on";
    this.#yielded = text;
    return more.slice(left);
  }
}

/** @throws InvalidArgumentError */
export function wantedMessages(options: TextStreamOptions): Wanted {
  checkOptions("textStream()", options, rules);
  checkFields(options, rules);
  return options.messages ?? "answer";
}

/** Of a message that has another mark, such as `"partial_answer"`, the final answer says it again. */
function isAnswer(phase: MessageUpdate["phase"]): boolean {
  return phase === null || phase === "final_answer";
}
