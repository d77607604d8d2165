import { TextDecoder } from "node:util";
import type { AsyncIteration } from "../../async/async-iteration.js";
import type { BacklogRules, Merge } from "../../async/backlog.js";
import type { BacklogBudget } from "../../async/backlog-budget.js";
import { EventQueue } from "../../async/event-queue.js";
import { OutputOverflowError, OutputStreamError } from "../../errors/machine-errors.js";
import { Chunks } from "./chunks.js";

/** The largest chunk that small ones are put together to; the server sends none that is larger. */
const maxChunkBytes = 65_536;

/** A command may write byte by byte, each of which would take far more memory than a byte. */
const merging: BacklogRules<Buffer> = {
  // The limit is looked at here, since what came before an overflow is still delivered.
  maxWeight: Infinity,
  weigh: (chunk) => chunk.length,
  overflow: () => undefined,
  mergeFrom: 64,
  startMerge: beginChunk,
};

export interface OutputLimits {
  /** How much of the stream's start is kept for the result (bytes). */
  readonly maxCollectedBytes: number;
  /** How much may wait for the consumer, whether there is one yet or not (bytes). */
  readonly maxBacklogBytes: number;
}

/**
 * The kept part of one stream: its start for the result, and the bytes that its consumer has not read yet.
 */
export class OutputBuffer {
  readonly limits: OutputLimits;
  readonly #queue = new EventQueue<Buffer>(undefined, merging);
  readonly #collected = new Chunks();
  #truncated = false;
  #claimed = false;

  constructor(limits: OutputLimits) {
    this.limits = limits;
  }

  /** Whether more has come than was collected. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** From now on what waits for the consumer counts in `budget`, too. */
  countIn(budget: BacklogBudget): void {
    this.#queue.countIn(budget);
  }

  /** `cut` tells that the server sends no more of this stream, although there may be more. */
  push(chunk: Buffer, cut: boolean): void {
    this.#collect(chunk);
    if (cut) this.#truncated = true;
    if (chunk.length === 0) return;
    const { maxBacklogBytes } = this.limits;
    const isWithin = this.#queue.weight + chunk.length <= maxBacklogBytes;
    // Once it has failed, or its consumer has left, the queue takes nothing more.
    if (isWithin) this.#queue.push(chunk);
    else this.#queue.fail(new OutputOverflowError(maxBacklogBytes));
  }

  end(): void {
    this.#queue.end();
  }

  /** The consumer gets `reason` thrown, after what came before it. */
  fail(reason: unknown): void {
    this.#queue.fail(reason);
  }

  /** The collected bytes as text; a character that the limit has cut is left out. */
  text(): string {
    // With `stream`, the decoder keeps an unfinished character to itself.
    const bytes = this.#collected.toBuffer();
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes, { stream: this.#truncated });
  }

  /** The one consumer's iteration. Leaving it discards the rest. */
  claim(): AsyncIteration<Uint8Array> {
    if (this.#claimed) {
      throw new OutputStreamError(
        "This output is already being read, and has one consumer: read it once, and share what it gives.",
      );
    }
    this.#claimed = true;
    return this.#queue;
  }

  #collect(chunk: Buffer): void {
    const room = this.limits.maxCollectedBytes - this.#collected.length;
    if (chunk.length > room) this.#truncated = true;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    if (part.length > 0) this.#collected.push(part);
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
