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

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes;
  }

  /**
   * The lines that `chunk` completes, as one string with a newline between them, without the last
   * newline; `undefined` when it completes none.
   *
   * @throws MessageTooLargeError, when a line is over the limit. The splitter is then of no use.
   */
  push(chunk: Buffer): string | undefined {
    const last = chunk.lastIndexOf(newline);
    if (last === -1) {
      this.#keep(chunk);
      return undefined;
    }
    const first = this.#parts.length === 0 ? -1 : chunk.indexOf(newline);
    let text = "";
    if (first !== -1) {
      this.#keep(chunk.subarray(0, first));
      text = Buffer.concat(this.#parts, this.#partBytes).toString("utf8");
      if (first < last) text += "\n";
      this.#parts = [];
      this.#partBytes = 0;
    }
    if (first < last) text += chunk.toString("utf8", first + 1, last);
    if (last + 1 < chunk.length) this.#keep(chunk.subarray(last + 1));
    return text;
  }

  /** Takes what is left after the last newline; empty when the stream ended with one. */
  flush(): string {
    const text = Buffer.concat(this.#parts, this.#partBytes).toString("utf8");
    this.#parts = [];
    this.#partBytes = 0;
    return text;
  }

  #keep(part: Buffer): void {
    this.#partBytes += part.length;
    if (this.#partBytes > this.#maxLineBytes) {
      this.#parts = [];
      throw new MessageTooLargeError("incoming", this.#maxLineBytes);
    }
    this.#parts.push(part);
  }
}
