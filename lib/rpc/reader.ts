import type { Readable } from "node:stream";
import { AbstractMessageReader, type DataCallback, type Disposable } from "vscode-jsonrpc/node";
import { Fifo } from "../async/fifo.js";
import { LineSplitter } from "./line-splitter.js";
import {
  classify,
  type IncomingMessage,
  type NotificationMessage,
  type ResponseMessage,
} from "./message.js";

export interface ReaderHandlers {
  /** Gets every notification, in wire order with everything else. Must not throw. */
  onNotification(message: NotificationMessage): void;
  /** A line that is not a message was skipped; `problem` says which kind, never what it held. */
  onSkipped(problem: string): void;
  /** The stream is over and everything before its end has been delivered. */
  onEnd(error: Error | undefined): void;
}

type Delivery = IncomingMessage | { readonly kind: "end"; readonly error: Error | undefined };

/**
 * Reads newline-delimited JSON for a `MessageConnection`, and keeps the wire order.
 *
 * vscode-jsonrpc dispatches one message per `setImmediate`, at several times the cost of parsing
 * it. Requests and answers take that way, one at a time; notifications, the hot path, go straight
 * to their handler. So that nothing overtakes, everything behind a message that vscode-jsonrpc
 * holds waits in a backlog until that message was dispatched (`dispatched()`), and whoever awaited
 * it has run. The end of the stream waits in the same line: nothing that was read is lost.
 */
export class LineMessageReader extends AbstractMessageReader {
  readonly #input: Readable;
  readonly #handlers: ReaderHandlers;
  readonly #splitter: LineSplitter;
  readonly #backlog = new Fifo<Delivery>();
  #callback: DataCallback | undefined;
  #held = false;
  #finished = false;

  constructor(input: Readable, maxMessageBytes: number, handlers: ReaderHandlers) {
    super();
    this.#input = input;
    this.#handlers = handlers;
    this.#splitter = new LineSplitter(maxMessageBytes);
  }

  override listen(callback: DataCallback): Disposable {
    this.#callback = callback;
    this.#input.on("data", (chunk: Buffer) => {
      this.#read(chunk);
    });
    this.#input.once("end", () => {
      this.#lines(this.#finished ? "" : this.#splitter.flush());
      this.#finish(undefined);
    });
    this.#input.once("error", (error) => {
      this.#finish(error);
    });
    // A destroyed stream closes without an end.
    this.#input.once("close", () => {
      this.#finish(undefined);
    });
    return { dispose: () => undefined };
  }

  /** vscode-jsonrpc has dispatched the message it was given. */
  dispatched(): void {
    // The handlers of an answer run in microtasks, before the next immediate.
    setImmediate(() => {
      this.#held = false;
      this.#drain();
    });
  }

  /** Delivers an answer that the server did not send, behind everything that it has sent. */
  inject(message: ResponseMessage): void {
    this.#accept({ kind: "response", message });
  }

  #read(chunk: Buffer): void {
    if (this.#finished) return;
    try {
      const text = this.#splitter.push(chunk);
      if (text !== undefined) this.#lines(text);
    } catch (error) {
      this.#finish(error as Error);
      this.#input.destroy();
    }
  }

  #lines(text: string): void {
    let start = 0;
    while (start < text.length) {
      let end = text.indexOf("\n", start);
      if (end === -1) end = text.length;
      if (end > start) this.#line(text.slice(start, end));
      start = end + 1;
    }
  }

  #line(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      if (line.trim() !== "") this.#handlers.onSkipped("is not JSON");
      return;
    }
    const message = classify(value);
    if (message) this.#accept(message);
    else this.#handlers.onSkipped("is not a JSON-RPC message");
  }

  #accept(delivery: Delivery): void {
    if (this.#held) this.#backlog.push(delivery);
    else this.#deliver(delivery);
  }

  #drain(): void {
    let next = this.#backlog.shift();
    while (next) {
      this.#deliver(next);
      if (this.#held) return;
      next = this.#backlog.shift();
    }
  }

  #finish(error: Error | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#accept({ kind: "end", error });
  }

  #deliver(delivery: Delivery): void {
    switch (delivery.kind) {
      case "notification":
        this.#handlers.onNotification(delivery.message);
        break;
      case "end":
        this.#handlers.onEnd(delivery.error);
        break;
      default:
        this.#held = true;
        this.#callback?.({ jsonrpc: "2.0", ...delivery.message });
    }
  }
}
