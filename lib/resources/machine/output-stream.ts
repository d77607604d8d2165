import { TextDecoder } from "node:util";
import type { AsyncIteration } from "../../async/async-iteration.js";
import type { BacklogRules, Merge } from "../../async/backlog.js";
import type { BacklogBudget } from "../../async/backlog-budget.js";
import { EventQueue } from "../../async/event-queue.js";
import { OutputOverflowError, OutputStreamError } from "../../errors/machine-errors.js";
import { Chunks } from "./chunks.js";
import type { CommandControls } from "./command-options.js";

/** What is kept of a stream, and whether there may be a consumer; otherwise the server collects the output. */
export type OutputLimits = Pick<
  CommandControls,
  "maxCollectedBytes" | "maxBacklogBytes" | "streamOutput"
>;

/** The largest chunk that small ones are put together to; the server sends none that is larger. */
const maxChunkBytes = 65_536;

/** A command may write byte by byte, each of which would take far more memory than a byte. */
const merging: BacklogRules<Buffer> = {
  // The limit is looked at when something comes, since what came before an overflow is still delivered.
  maxWeight: Infinity,
  weigh: (chunk) => chunk.length,
  overflow: () => undefined,
  mergeFrom: 64,
  startMerge: beginChunk,
};

/**
 * The output of a command as it comes. Iterate it for bytes, or take `text()` or `lines()`; there is one
 * consumer. Output that you have not read waits, up to `maxBacklogBytes`.
 *
 * Leaving the loop early discards the rest of this stream; the command runs on. Each iteration ends with
 * the command, and throws what `exit` rejects with when it is not known how the command ended.
 * `buffer(stream)` and `text(stream)` of `node:stream/consumers` collect the whole.
 */
export class OutputStream implements AsyncIterable<Uint8Array> {
  readonly #limits: OutputLimits;
  readonly #queue = new EventQueue<Buffer>(undefined, merging);
  readonly #collected = new Chunks();
  #isTruncated = false;
  #isClaimed = false;

  /** @internal */
  constructor(limits: OutputLimits) {
    this.#limits = limits;
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
    if (!this.#limits.streamOutput) {
      throw new OutputStreamError(
        "With streamOutput: false the output is collected by the server; read it from `exit`.",
      );
    }
    if (this.#isClaimed) {
      throw new OutputStreamError(
        "This output is already being read, and has one consumer: read it once, and share what it gives.",
      );
    }
    this.#isClaimed = true;
    return this.#queue;
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
    return split(this.text(), this.#limits.maxBacklogBytes);
  }

  /**
   * The start of the stream as text; a character that the limit has cut is left out.
   *
   * @internal
   */
  collected(): string {
    // With `stream`, the decoder keeps an unfinished character to itself.
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return decoder.decode(this.#collected.toBuffer(), { stream: this.#isTruncated });
  }

  /**
   * Whether more has come than was collected.
   *
   * @internal
   */
  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /**
   * From now on what waits for the consumer counts in `budget`, too.
   *
   * @internal
   */
  countIn(budget: BacklogBudget): void {
    this.#queue.countIn(budget);
  }

  /**
   * Takes in what the command has written; `cut` when the server sends no more of it, although there may
   * be more.
   *
   * @internal
   */
  push(chunk: Buffer, cut: boolean): void {
    const { maxCollectedBytes, maxBacklogBytes } = this.#limits;
    const room = maxCollectedBytes - this.#collected.length;
    if (cut || chunk.length > room) this.#isTruncated = true;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    if (part.length > 0) this.#collected.push(part);
    if (chunk.length === 0) return;
    const isWithin = this.#queue.weight + chunk.length <= maxBacklogBytes;
    // Once it has failed, or its consumer has left, the queue takes nothing more.
    if (isWithin) this.#queue.push(chunk);
    else this.#queue.fail(new OutputOverflowError(maxBacklogBytes));
  }

  /**
   * The command is over; the consumer is thrown what `failure` makes, after what came before it.
   *
   * @internal
   */
  end(failure?: () => unknown): void {
    if (failure) this.#queue.fail(failure());
    else this.#queue.end();
  }
}

function beginChunk(first: Buffer): Merge<Buffer> {
  const chunks = new Chunks();
  chunks.push(first);
  return {
    add: (next) => {
      if (chunks.length + next.length > maxChunkBytes) return undefined;
      chunks.push(next);
      return next.length;
    },
    toItem: () => chunks.toBuffer(),
  };
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
