import { MessageTooLargeError } from "../errors/connection-errors.js";

const newline = 0x0a;

/**
 * Cuts a byte stream into lines. Only the byte `\n` ends a line: U+2028 and U+2029 are ordinary
 * text in JSON, although `node:readline` also splits on them.
 *
 * The byte `\n` never occurs inside a multi-byte character, so all complete lines of a chunk are
 * decoded in one go, which is several times cheaper than one by one; an incomplete line is kept
 * as bytes and joined once, when its end arrives, so a long line costs linear time.
 */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #overflow: MessageTooLargeError | undefined;

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * The lines that `chunk` completes, as one string with a newline between them, without the last
   * newline; `undefined` when it completes none. Of a chunk with a line over the limit, those before
   * that line.
   */
  push(chunk: Buffer): string | undefined {
    if (this.#overflow) return undefined;
    // Only then can a line that begins and ends in this chunk be too long; most chunks are small.
    if (chunk.length > this.#maxLineBytes) {
      const fits = this.#lengthThatFits(chunk);
      if (fits < chunk.length) return this.#pushLast(chunk.subarray(0, fits));
    }
    const last = chunk.lastIndexOf(newline);
    if (last === -1) {
      this.#keep(chunk);
      return undefined;
    }
    const first = this.#parts.length === 0 ? -1 : chunk.indexOf(newline);
    let text = "";
    if (first !== -1) {
      if (!this.#keep(chunk.subarray(0, first))) return undefined;
      text = Buffer.concat(this.#parts, this.#partBytes).toString("utf8");
      if (first < last) text += "\n";
      this.#parts = [];
      this.#partBytes = 0;
    }
    if (first < last) text += chunk.toString("utf8", first + 1, last);
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
    return text;
  }

  /** Set once a line is longer than the limit: the splitter then takes nothing more. */
  get overflow(): MessageTooLargeError | undefined {
    return this.#overflow;
  }

  /** Takes what is left after the last newline; empty when the stream ended with one. */
  flush(): string {
    const text = Buffer.concat(this.#parts, this.#partBytes).toString("utf8");
    this.#parts = [];
    this.#partBytes = 0;
    return text;
  }

  /** How much of the chunk there is up to the first line that is too long. */
  #lengthThatFits(chunk: Buffer): number {
    let start = 0;
    let kept = this.#partBytes;
    while (start < chunk.length) {
      const found = chunk.indexOf(newline, start);
      const end = found === -1 ? chunk.length : found;
      if (kept + end - start > this.#maxLineBytes) return start;
      start = end + 1;
      kept = 0;
    }
    return chunk.length;
  }

  /** The complete lines before one that is too long. */
  #pushLast(lines: Buffer): string | undefined {
    const text = this.push(lines);
    this.#fail();
    return text;
  }

  #keep(part: Buffer): boolean {
    this.#partBytes += part.length;
    const fits = this.#partBytes <= this.#maxLineBytes;
    if (fits) this.#parts.push(part);
    else this.#fail();
    return fits;
  }

  #fail(): void {
    this.#parts = [];
    this.#partBytes = 0;
    this.#overflow = new MessageTooLargeError("incoming", this.#maxLineBytes);
  }
}
