import { TextDecoder } from "node:util";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { OutputOverflowError, OutputStreamError } from "../../errors/machine-errors.js";
import type { OutputBuffer } from "./output-buffer.js";

/**
 * The output of a command as it comes. Iterate it for bytes, or take `text()` or `lines()`; there is one
 * consumer. Output that you have not read waits, up to `maxBacklogBytes`.
 *
 * Leaving the loop early discards the rest of this stream; the command runs on. Each iteration ends with
 * the command, and throws what `exit` rejects with when it is not known how the command ended.
 * `buffer(stream)` and `text(stream)` of `node:stream/consumers` collect the whole.
 */
export class OutputStream implements AsyncIterable<Uint8Array> {
  readonly #buffer: OutputBuffer | undefined;

  /** @internal Without a buffer, the server collects the output. */
  constructor(buffer: OutputBuffer | undefined) {
    this.#buffer = buffer;
  }

  /** The same as `bytes()`. */
  [Symbol.asyncIterator](): AsyncIteration<Uint8Array> {
    return this.bytes();
  }

  /**
   * Iterates the bytes, in chunks of up to about 64 KiB.
   *
   * @throws OutputStreamError when the output is consumed already, or with `streamOutput: false`. While
   * iterating: OutputOverflowError when more than `maxBacklogBytes` was waiting, SlowConsumerError when
   * that was too much for the client's `maxTotalBacklogBytes`, or what `exit` rejects with.
   */
  bytes(): AsyncIteration<Uint8Array> {
    return this.#open().claim();
  }

  /**
   * Iterates the output as text, decoded as UTF-8 across chunks; bytes that are not UTF-8 become U+FFFD.
   */
  text(): AsyncGenerator<string, undefined> {
    return decode(this.bytes());
  }

  /**
   * Iterates the output as lines, without their line ends (`\n` or `\r\n`), the last one even without a
   * line end.
   *
   * @throws OutputOverflowError also when one line is longer than `maxBacklogBytes`, in characters.
   */
  lines(): AsyncGenerator<string, undefined> {
    const { maxBacklogBytes } = this.#open().limits;
    return split(this.text(), maxBacklogBytes);
  }

  #open(): OutputBuffer {
    if (this.#buffer) return this.#buffer;
    throw new OutputStreamError(
      "With streamOutput: false the output is collected by the server; read it from `exit`.",
    );
  }
}

async function* decode(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== "") yield text;
  }
  const rest = decoder.decode();
  if (rest !== "") yield rest;
  return undefined;
}

async function* split(
  text: AsyncIterable<string>,
  maxLength: number,
): AsyncGenerator<string, undefined> {
  // Pieces of an unfinished line are joined once, so that a long line costs linear time.
  let pieces: string[] = [];
  let length = 0;
  for await (const piece of text) {
    const lines = piece.split("\n");
    for (const part of lines.slice(0, -1)) {
      yield withoutReturn(pieces.join("") + part);
      pieces = [];
      length = 0;
    }
    const rest = lines.at(-1) ?? "";
    pieces.push(rest);
    length += rest.length;
    if (length > maxLength) throw new OutputOverflowError(maxLength);
  }
  if (length > 0) yield pieces.join("");
  return undefined;
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
