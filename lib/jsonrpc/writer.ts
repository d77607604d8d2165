import type { Writable } from "node:stream";
import { AbstractMessageWriter, type Message, type MessageWriter } from "./json-rpc.js";
import { MessageTooLargeError, ProtocolError } from "../errors/connection-errors.js";
import { EncodedJson } from "./encoded.js";

/** How many lines may wait to be written. A server that reads has taken them long before. */
const maxUnwritten = 16_384;

/**
 * How much of them may be answers (characters). The server decides how many those are; of requests, no
 * more are sent than may be in flight, and their size is the caller's choice.
 */
const maxUnwrittenAnswers = 256 * 1_048_576;

/**
 * Writes newline-delimited JSON without the `jsonrpc` member, which the server does not use. Lines
 * that are written in the same turn of the event loop go out together: most of the price of a line is
 * that of asking the system to write it.
 */
export class LineMessageWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #output: Writable;
  readonly #onFailure: (error: Error) => void;
  readonly #onLine: ((line: string) => void) | undefined;
  #lastRequestId: number | undefined;
  #unwritten = 0;
  #unwrittenAnswers = 0;
  #failed = false;

  /**
   * `onFailure` learns of every message that could not be written, answers included; `onLine` of each
   * that is about to be.
   */
  constructor(
    output: Writable,
    onFailure: (error: Error) => void,
    onLine?: (line: string) => void,
  ) {
    super();
    this.#output = output;
    this.#onFailure = onFailure;
    this.#onLine = onLine;
  }

  /**
   * The id that vscode-jsonrpc gave to the request it wrote last; it does not tell its caller. Undefined
   * when nothing of that request was written.
   */
  get lastRequestId(): number | undefined {
    return this.#lastRequestId;
  }

  /** Whether something could not be written: nothing will be any more. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Rejects with a MessageTooLargeError, and nothing is lost but the message, above `maxBytes`. */
  write(message: Message & { id?: unknown; method?: unknown }, maxBytes = Infinity): Promise<void> {
    if (typeof message.id === "number" && message.method !== undefined) {
      this.#lastRequestId = message.id;
    }
    // A stream that both reads and writes would be destroyed by it, with what is still to be read.
    if (this.#output.writableEnded) return this.#refuse("the connection is being closed");
    const isAnswer = message.method === undefined;
    const isTooMany = isAnswer && this.#unwrittenAnswers >= maxUnwrittenAnswers;
    if (this.#unwritten >= maxUnwritten || isTooMany) {
      return this.#refuse("the server sends requests without end, and does not read the answers");
    }
    const line = encodeLine(message);
    if (line.length * 3 > maxBytes && Buffer.byteLength(line) > maxBytes) {
      return Promise.reject(new MessageTooLargeError("outgoing", maxBytes));
    }
    this.#gather();
    this.#onLine?.(line);
    const answerLength = isAnswer ? line.length : 0;
    this.#unwritten += 1;
    this.#unwrittenAnswers += answerLength;
    return new Promise((resolve, reject) => {
      this.#output.write(line, (error) => {
        this.#unwritten -= 1;
        this.#unwrittenAnswers -= answerLength;
        if (!error) {
          resolve();
          return;
        }
        this.#failed = true;
        this.#onFailure(error);
        reject(error);
      });
    });
  }

  end(): void {
    this.#output.end();
  }

  #refuse(problem: string): Promise<never> {
    const failure = new ProtocolError(problem);
    this.#failed = true;
    this.#lastRequestId = undefined;
    this.#onFailure(failure);
    return Promise.reject(failure);
  }

  #gather(): void {
    if (this.#output.writableCorked > 0) return;
    this.#output.cork();
    process.nextTick(() => {
      this.#output.uncork();
    });
  }
}

function encodeLine(
  message: Message & { id?: unknown; method?: unknown; params?: unknown; result?: unknown },
): string {
  const { id, method, params, result } = message;
  const head = id === undefined ? "{" : `{"id":${JSON.stringify(id)},`;
  if (params instanceof EncodedJson) {
    const trace = params.trace ? `,"trace":${params.trace}` : "";
    return `${head}"method":${JSON.stringify(method)},"params":${params.json}${trace}}\n`;
  }
  if (result instanceof EncodedJson) return `${head}"result":${result.json}}\n`;
  return `${JSON.stringify({ ...message, jsonrpc: undefined })}\n`;
}
