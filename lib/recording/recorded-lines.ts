import { SDK_VERSION } from "../version.js";
import type { RecordedEnd, RecordingHead, RecordingLine } from "./format.js";

/** A longer line is left out (bytes): to read it would hold up the event loop. */
const maxLine = 8 * 1_048_576;

/** How much is held back for the answer to the handshake (characters). */
const maxHeld = 1_048_576;

/** Turns what goes over one connection into the lines of a recording. */
export class RecordedLines {
  readonly #redact: (message: unknown) => unknown;
  readonly #date = new Date().toISOString();
  /** What was read of a line that has not ended yet. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** The id of the `initialize`, whose answer tells the server's release. */
  #handshakeId: unknown;
  /** The lines that wait for the head; undefined once it is written. */
  #held: string | undefined = "";

  constructor(redact: (message: unknown) => unknown) {
    this.#redact = redact;
  }

  received(bytes: Buffer): string {
    let text = "";
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      this.#keep(bytes.subarray(start, end));
      text += this.#takeLine();
      start = end + 1;
    }
    if (start < bytes.length) this.#keep(bytes.subarray(start));
    return text;
  }

  sent(line: string): string {
    return this.#line("out", line.length > maxLine ? leftOut(line.length) : line.trimEnd());
  }

  ended(end: RecordedEnd["end"] | undefined): string {
    const text = this.#restBytes > 0 ? this.#takeLine() : "";
    const last = end ? this.#put({ end }) : "";
    return text + last + this.#releaseHeld(null);
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length;
    if (this.#restBytes <= maxLine) this.#rest.push(part);
  }

  #takeLine(): string {
    const bytes = this.#restBytes;
    const line = bytes > maxLine ? leftOut(bytes) : Buffer.concat(this.#rest).toString();
    this.#rest = [];
    this.#restBytes = 0;
    return line.trim() === "" ? "" : this.#line("in", line);
  }

  #line(dir: "in" | "out", line: string): string {
    const message = parse(line);
    if (typeof message !== "object" || message === null) {
      return this.#put({ dir, text: String(this.#redact(line)) });
    }
    const { id, method, result } = message as { id?: unknown; method?: unknown; result?: unknown };
    if (dir === "out" && method === "initialize") this.#handshakeId = id;
    const isHandshake = dir === "in" && method === undefined && id === this.#handshakeId;
    const clean = this.#redact(message) as Readonly<Record<string, unknown>>;
    const text = this.#put({ dir, message: clean });
    if (isHandshake || (this.#held?.length ?? 0) > maxHeld) {
      return text + this.#releaseHeld(releaseIn(result));
    }
    return text;
  }

  #put(line: RecordingLine): string {
    const text = `${JSON.stringify(line)}\n`;
    if (this.#held === undefined) return text;
    this.#held += text;
    return "";
  }

  /** The head, which names the server's release, and what had to wait for it. */
  #releaseHeld(server: string | null): string {
    if (this.#held === undefined) return "";
    const head: RecordingHead = { recording: 1, server, sdk: SDK_VERSION, date: this.#date };
    const text = `${JSON.stringify(head)}\n${this.#held}`;
    this.#held = undefined;
    return text;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function releaseIn(result: unknown): string | null {
  const { userAgent } = Object(result) as { userAgent?: unknown };
  const [, release] = /\/(\d+\.\d+\.\d+\S*)/.exec(String(userAgent)) ?? [];
  return release ?? null;
}

function leftOut(bytes: number): string {
  return `a line of ${bytes} bytes was left out`;
}
