import type { Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { RawData, WebSocket } from "ws";
import { noteArrival } from "../async/arrivals.js";
import type { Logger } from "../async/logger.js";
import { settleWithin } from "../async/timers.js";
import { MessageTooLargeError, ProtocolError } from "../errors/connection-errors.js";
import { Keepalive } from "./keepalive.js";
import { StallWatch } from "./stall-watch.js";
import type { Transport, TransportEnd } from "./transport.js";

export interface WebSocketTransportOptions {
  readonly maxMessageBytes: number;
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  readonly logger: Required<Logger>;
}

/** A connection that is ready. */
interface Upgraded {
  readonly webSocket: WebSocket;
  /** The socket below it, where that can be seen: Bun's own `ws` does not show it. */
  readonly socket: Socket | undefined;
  /** The longest single frame that the server takes (bytes), or `undefined` when it does not tell. */
  readonly maxFrameBytes: number | undefined;
}

/** Lines on our side, one text message each on the other. */
export class WebSocketTransport implements Transport {
  readonly input: Readable;
  readonly output: Writable;
  readonly ended: Promise<TransportEnd>;
  /** The limit for params and results; id and method of a message come on top. */
  readonly maxOutgoingBytes = maxMessageBytes - 4_096;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket | undefined;
  readonly #options: WebSocketTransportOptions;
  readonly #fragmentBytes: number;
  readonly #keepalive: Keepalive;
  readonly #stalls: StallWatch;
  #unread: Buffer[] = [];
  /** The bytes of messages alone, for sockets that cannot be seen. */
  #bytesReceived = 0;
  /** Fragments of long messages that had to wait, and went out: the other side has made room. */
  #fragmentsSent = 0;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor({ webSocket, socket, maxFrameBytes }: Upgraded, options: WebSocketTransportOptions) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#options = options;
    this.#fragmentBytes = Math.min(maxFrameBytes ?? defaultFragmentBytes, defaultFragmentBytes);
    this.input = new Readable({
      highWaterMark: maxUnreadBytes,
      read: () => {
        if (webSocket.isPaused) webSocket.resume();
      },
    });
    this.output = new Writable({
      decodeStrings: false,
      write: (line: string | Buffer, _encoding, done) => {
        this.#send(line, done);
      },
    });
    // Their error reaches the connection through the failed write, and through the end.
    for (const stream of [this.input, this.output]) stream.on("error", () => undefined);
    this.#keepalive = new Keepalive({
      intervalMs: options.pingIntervalMs,
      timeoutMs: options.pongTimeoutMs,
      received: () => socket?.bytesRead ?? this.#bytesReceived,
      sentOn: () => this.#fragmentsSent,
      isPaused: () => webSocket.isPaused,
      ping: () => {
        webSocket.ping();
      },
      onLost: () => {
        this.#fail(new Error(`the server did not answer a ping for ${options.pongTimeoutMs} ms`));
      },
    });
    this.#stalls = new StallWatch((ms) => {
      options.logger.warn(
        `This process was busy, or stopped, for ${ms} ms, and has not read what the server sent ` +
          "meanwhile. A server cuts the connection of a client that reads too slowly: do long computations in a worker thread.",
      );
    });
    this.ended = this.#untilEnded();
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInSteps();
    return this.#closing;
  }

  /** The server does not answer a Close frame, which `ws` by itself would wait for half a minute. */
  async #closeInSteps(): Promise<void> {
    this.#keepalive.stop();
    this.output.end();
    const written = finished(this.output).catch(() => undefined);
    await settleWithin(Promise.race([written, this.ended]), flushMs);
    this.#webSocket.close(1000);
    await settleWithin(this.ended, goodbyeMs);
    this.#webSocket.terminate();
    await settleWithin(this.ended, goodbyeMs);
  }

  #untilEnded(): Promise<TransportEnd> {
    const webSocket = this.#webSocket;
    webSocket.on("message", (data, isBinary) => {
      this.#receive(data, isBinary);
    });
    webSocket.on("pong", () => {
      this.#keepalive.answered();
    });
    // A long message comes in many pieces, of which nothing else tells.
    this.#socket?.on("data", (chunk: Buffer) => {
      noteArrival(chunk.length);
    });
    this.#socket?.once("error", (error: NodeJS.ErrnoException) => {
      this.#failure ??= new Error(`the socket failed: ${error.code ?? error.name}`);
    });
    webSocket.on("error", (error: Error & { code?: string }) => {
      this.#fail(
        error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"
          ? new MessageTooLargeError("incoming", this.#options.maxMessageBytes)
          : new ProtocolError(`The server broke the rules of WebSocket: ${error.message}.`),
      );
    });
    return new Promise((resolve) => {
      webSocket.once("close", (code) => {
        this.#keepalive.stop();
        this.#stalls.stop();
        this.#flush();
        this.input.push(null);
        this.output.destroy();
        const error = this.#closing
          ? undefined
          : (this.#failure ?? cutOff(code, this.#stalls.recent()));
        resolve({ exitCode: null, signal: null, error });
      });
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#webSocket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#keepalive.answered();
    if (isBinary) {
      this.#options.logger.warn("A message from the server was skipped: it is binary.");
      return;
    }
    const bytes = data as Buffer;
    this.#bytesReceived += bytes.length;
    if (!this.#socket) noteArrival(bytes.length);
    // All messages of one read become one chunk.
    if (this.#unread.length === 0) {
      process.nextTick(() => {
        this.#flush();
      });
    }
    this.#unread.push(withoutNewlines(bytes), newline);
  }

  #flush(): void {
    if (this.#unread.length === 0) return;
    const chunk = Buffer.concat(this.#unread);
    this.#unread = [];
    if (!this.input.push(chunk)) this.#webSocket.pause();
  }

  /** Cut into pieces, so that a ping need not wait for a whole long message. */
  #send(line: string | Buffer, done: (error?: Error | null) => void): void {
    const bytes = typeof line === "string" ? Buffer.from(line.slice(0, -1)) : line.subarray(0, -1);
    if (bytes.length > maxMessageBytes) {
      done(new MessageTooLargeError("outgoing", maxMessageBytes));
      return;
    }
    const sendFrom = (start: number): void => {
      const end = Math.min(start + this.#fragmentBytes, bytes.length);
      const fin = end === bytes.length;
      let hadToWait = false;
      this.#webSocket.send(bytes.subarray(start, end), { binary: false, fin }, (error) => {
        if (hadToWait) this.#fragmentsSent += 1;
        if (error || fin) done(error);
        else sendFrom(end);
      });
      // Everything waits for a moment in a TLS socket, so short messages must not count.
      const waiting = this.#socket?.writableLength ?? this.#webSocket.bufferedAmount;
      hadToWait = bytes.length > this.#fragmentBytes && waiting > 0;
    };
    sendFrom(0);
  }
}

/** Inside of JSON text a newline stands between values only, where a space means the same. */
function withoutNewlines(text: Buffer): Buffer {
  if (!text.includes(newline)) return text;
  return Buffer.from(text.toString("utf8").replaceAll("\n", " "));
}

function cutOff(code: number, stallMs: number | undefined): Error {
  const how = code === abnormalClosure ? "" : ` with code ${code}`;
  const why =
    stallMs === undefined ? "" : `, after this process had read nothing for ${stallMs} ms`;
  return new Error(`the server ended the connection${how}, or it was cut${why}`);
}

/** The server cuts the connection when a message is longer. */
const maxMessageBytes = 64 * 1024 * 1024;
/**
 * A server cuts the connection of a client that reads too slowly, so this is far more than what one
 * that means no harm sends faster than it is worked off.
 */
const maxUnreadBytes = 16 * 1024 * 1024;
const newline = Buffer.from("\n");
/** The code that `ws` reports when there was no Close frame; an app-server never sends one. */
const abnormalClosure = 1006;
/** Far below the 16 MiB that the server takes in one frame. */
const defaultFragmentBytes = 1024 * 1024;
/** How long what was written may take to get out when the connection is closed (ms). */
const flushMs = 2_000;
/** How long the other side may take to hang up when it was told so (ms). */
const goodbyeMs = 1_000;
