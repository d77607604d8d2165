import { Readable, type Duplex, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { isBytes } from "../async/realms.js";
import { settleWithin } from "../async/timers.js";
import { ProtocolError } from "../errors/connection-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { closeGraceMs, type Transport, type TransportEnd } from "./transport.js";
import {
  fromWebReadable,
  fromWebWritable,
  type WebReadable,
  type WebWritable,
} from "./web-streams.js";

/** How much later than that of the output the end of the input may be heard of (ms). */
const endGraceMs = 250;

/**
 * Both directions of a connection that you make yourself: bytes, with one JSON message a line, as an
 * app-server has them on its standard input and output. Node's streams or the web's, also mixed.
 */
export interface StreamPair {
  /** The messages from the server. */
  readonly readable: Readable | WebReadable;
  /** The messages to the server. */
  readonly writable: Writable | WebWritable;
}

/**
 * Takes the streams over: nobody else may read or write them from now on, and the end of the
 * connection closes them.
 *
 * @throws InvalidArgumentError when they cannot be used.
 */
export function openStreamTransport(streams: StreamPair | Duplex): Transport {
  const { readable, writable } = partsOf(streams);
  checkOpen("readable", readable);
  checkOpen("writable", writable);
  return new StreamTransport(
    "getReader" in readable ? fromWebReadable(readable) : readable,
    "getWriter" in writable ? fromWebWritable(writable) : writable,
  );
}

class StreamTransport implements Transport {
  readonly input: Readable;
  readonly output: Writable;
  readonly ended: Promise<TransportEnd>;
  readonly #source: Readable;
  #end!: (error: Error | undefined) => void;
  #closing: Promise<void> | undefined;

  constructor(source: Readable, sink: Writable) {
    this.#source = source;
    this.output = sink;
    // The end goes through here, so that whatever was read before an error is delivered first.
    this.input = new Readable({
      read: () => {
        source.resume();
      },
    });
    this.ended = new Promise((resolve) => {
      this.#end = (error) => {
        resolve({ exitCode: null, signal: null, error: this.#closing ? undefined : error });
      };
    });
    this.#listen();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInSteps();
    return this.#closing;
  }

  async #closeInSteps(): Promise<void> {
    this.output.end();
    // A server whose input has ended has its last words, and then ends its output.
    await settleWithin(this.ended, closeGraceMs);
    this.#end(undefined);
    await this.ended;
  }

  /**
   * A server that ends closes both directions, and that of the output is often heard of first: when the
   * input ends as well, the connection has ended and not failed.
   */
  async #outputFailed(error: Error): Promise<void> {
    await settleWithin(this.ended, endGraceMs);
    // Once we close, nothing more is to be written, and the last words are still to be read.
    if (!this.#closing) this.#end(error);
  }

  #listen(): void {
    const source = this.#source;
    const receive = (chunk: unknown): void => {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
      if (!isBytes(bytes)) {
        this.#end(
          new ProtocolError(
            "transport.readable gave something other than bytes. Give a stream of bytes or of text.",
          ),
        );
      } else if (!this.input.push(bytes)) {
        source.pause();
      }
    };
    source.on("data", receive);
    source.once("end", () => {
      this.#end(undefined);
    });
    for (const stream of new Set([source, this.output])) {
      const end = (error: Error): void => {
        if (stream === source) this.#end(error);
        else void this.#outputFailed(error);
      };
      // This listener stays: a late error without one would end the process.
      stream.on("error", end);
      stream.once("close", () => {
        end(new Error("the stream was closed before its end"));
      });
    }
    void this.ended.then(async () => {
      source.off("data", receive);
      source.pause();
      // What it had read while it was paused comes chunk by chunk, or, up to Node 24, bytes all at once.
      for (let left = source.readableLength; left > 0;) {
        const rest = source.read() as { readonly length: number } | null;
        if (rest === null) break;
        receive(rest);
        left -= source.readableObjectMode ? 1 : rest.length;
      }
      this.input.push(null);
      await endWithin(this.output, closeGraceMs);
      this.output.destroy();
      source.destroy();
    });
  }
}

/** Ends a stream, and waits until all was written, but no longer than that. */
async function endWithin(stream: Writable, ms: number): Promise<void> {
  const written = finished(stream, { readable: false }).catch(() => undefined);
  stream.end();
  await settleWithin(written, ms);
}

function partsOf(streams: unknown): StreamPair {
  if (isNodeReadable(streams) && isNodeWritable(streams)) {
    return { readable: streams, writable: streams };
  }
  const { readable, writable } = (streams ?? {}) as Partial<StreamPair>;
  if (!isNodeReadable(readable) && !hasMethod(readable, "getReader")) {
    throw new InvalidArgumentError("transport.readable", "must be a readable stream");
  }
  if (!isNodeWritable(writable) && !hasMethod(writable, "getWriter")) {
    throw new InvalidArgumentError("transport.writable", "must be a writable stream");
  }
  return { readable, writable } as StreamPair;
}

function checkOpen(
  name: keyof StreamPair,
  stream: Readable | Writable | WebReadable | WebWritable,
) {
  if ("locked" in stream && stream.locked) {
    throw new InvalidArgumentError(
      `transport.${name}`,
      "must not be locked: release its reader or writer first",
    );
  }
  if ("destroyed" in stream && !(stream as Duplex)[name]) {
    throw new InvalidArgumentError(`transport.${name}`, "must be open");
  }
}

function isNodeReadable(value: unknown): value is Readable {
  return hasMethod(value, "pipe") && hasMethod(value, "on");
}

function isNodeWritable(value: unknown): value is Writable {
  return hasMethod(value, "write") && hasMethod(value, "on");
}

function hasMethod(value: unknown, name: string): boolean {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as Record<string, unknown>)[name] === "function";
}
