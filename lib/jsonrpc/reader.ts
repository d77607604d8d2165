import type { Readable } from "node:stream";
import { setImmediate } from "node:timers";
import { AbstractMessageReader, type DataCallback, type Disposable } from "./json-rpc.js";
import { noteArrival } from "../async/arrivals.js";
import { Fifo } from "../async/fifo.js";
import { LineSplitter } from "./line-splitter.js";
import {
  classify,
  type FrequentLines,
  type IncomingMessage,
  type NotificationMessage,
  type RequestMessage,
  type ResponseMessage,
} from "./message.js";

export interface ReaderHandlers {
  /** Gets the lines as they come, before anything else does. Must not throw. */
  readonly onLines?: ((lines: string) => void) | undefined;
  /** Gets every notification, in wire order with everything else. */
  readonly onNotification: (message: NotificationMessage) => void;
  /** The handler of notifications has thrown. */
  onUnhandled(): void;
  /** Gets every request of the server, likewise. Must not throw. */
  onRequest(message: RequestMessage): void;
  /** A line that is not a message was skipped; `problem` says which kind, never what it held. */
  onSkipped(problem: string): void;
  /** The stream is over and everything before its end has been delivered. */
  onEnd(error: Error | undefined): void;
}

/** A server may send answers faster than they are worked off: then it has to wait (messages). */
const pauseAt = 8_192;
const resumeAt = 1_024;

type Delivery = IncomingMessage | { readonly kind: "end"; readonly error: Error | undefined };

/**
 * Reads newline-delimited JSON for a `MessageConnection`, and keeps the wire order.
 *
 * Only answers go to vscode-jsonrpc, which knows who waits for them. Whoever does runs in microtasks,
 * later than this code, and so does the handler of a request. So that nothing overtakes them, what
 * comes behind an answer waits in a backlog for the next turn of the event loop, except other
 * answers, whose microtasks are in order anyway; and likewise with requests.
 * The end of the stream waits in the same line: nothing that was read is lost.
 */
export class LineMessageReader extends AbstractMessageReader {
  readonly #input: Readable;
  readonly #handlers: ReaderHandlers;
  readonly #splitter: LineSplitter;
  readonly #frequent: FrequentLines | undefined;
  readonly #backlog = new Fifo<Delivery>();
  #callback: DataCallback | undefined;
  /** After what has just been handed on, only more of its kind may go on at once. */
  #held: Delivery["kind"] | undefined;
  #finished = false;
  #isMuted = false;

  constructor(
    input: Readable,
    maxMessageBytes: number,
    handlers: ReaderHandlers,
    frequent?: FrequentLines,
  ) {
    super();
    this.#frequent = frequent;
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

  /** Delivers an answer that the server did not send, behind everything that it has sent. */
  inject(message: ResponseMessage): void {
    this.#accept({ kind: "response", message });
  }

  /** Notifications and requests of the server are for nobody from now on. Answers are still awaited. */
  mute(): void {
    this.#isMuted = true;
  }

  #read(chunk: Buffer): void {
    noteArrival(chunk.length);
    if (this.#finished) return;
    const text = this.#splitter.push(chunk);
    if (text !== undefined) this.#lines(text);
    const { overflow } = this.#splitter;
    if (!overflow) return;
    this.#finish(overflow);
    this.#input.destroy();
  }

  #lines(text: string): void {
    this.#handlers.onLines?.(text);
    let start = 0;
    while (start < text.length) {
      let end = text.indexOf("\n", start);
      if (end === -1) end = text.length;
      const message = this.#frequent?.read(text, start, end);
      if (message) this.#accept({ kind: "notification", message });
      else if (end > start) this.#line(text.slice(start, end));
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
    if (!message) {
      this.#handlers.onSkipped("is not a JSON-RPC message");
      return;
    }
    if (message.kind === "notification") this.#frequent?.learn(message.message);
    this.#accept(message);
  }

  #accept(delivery: Delivery): void {
    if (this.#backlog.size === 0 && this.#mayPass(delivery)) {
      this.#deliver(delivery);
      return;
    }
    this.#backlog.push(delivery);
    // It is worked off without anybody's help, so that this delays, but cannot hold up for ever.
    if (this.#backlog.size >= pauseAt && !this.#input.isPaused()) this.#input.pause();
  }

  #mayPass(delivery: Delivery): boolean {
    return this.#held === undefined || this.#held === delivery.kind;
  }

  #hold(kind: Delivery["kind"]): void {
    if (this.#held !== undefined) return;
    this.#held = kind;
    setImmediate(() => {
      this.#held = undefined;
      this.#drain();
    });
  }

  #drain(): void {
    let next = this.#backlog.first;
    // For deadlines, messages that were held back arrive only now.
    if (next) noteArrival(1);
    while (next && this.#mayPass(next)) {
      this.#backlog.shift();
      this.#deliver(next);
      next = this.#backlog.first;
    }
    if (this.#backlog.size <= resumeAt && this.#input.isPaused()) this.#input.resume();
  }

  #finish(error: Error | undefined): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#accept({ kind: "end", error });
  }

  #deliver(delivery: Delivery): void {
    switch (delivery.kind) {
      case "notification":
        this.#notify(delivery.message);
        break;
      case "request":
        if (!this.#isMuted) this.#handlers.onRequest(delivery.message);
        this.#hold("request");
        break;
      case "response":
        this.#callback?.({ jsonrpc: "2.0", ...delivery.message });
        this.#hold("response");
        break;
      case "end":
        this.#handlers.onEnd(delivery.error);
    }
  }

  #notify(message: NotificationMessage): void {
    if (this.#isMuted) return;
    try {
      this.#handlers.onNotification(message);
    } catch {
      // Whatever a server may send: an exception in here would be nobody's, and end the host.
      this.#handlers.onUnhandled();
    }
  }
}
