import { SDK_VERSION } from "../version.js";
import type { RecordedEnd, RecordingHead, RecordingLine } from "./format.js";

/** A longer line is left out (characters): to read it would hold up the event loop. */
const maxLine = 8 * 1_048_576;

/** How much is held back for the answer to the handshake (characters). */
const maxHeld = 1_048_576;

/** Turns what goes over one connection into the lines of a recording. */
export class RecordedLines {
  readonly #redact: (message: unknown) => unknown;
  readonly #date = new Date().toISOString();
  /** The id of the `initialize`, whose answer tells the server's release. */
  #handshakeId: unknown;
  /** The lines that wait for the head; undefined once it is written. */
  #held: string | undefined = "";

  constructor(redact: (message: unknown) => unknown) {
    this.#redact = redact;
  }

  /** Whole lines, without the newline behind the last one. */
  received(lines: string): string {
    const full = lines.split("\n").filter((line) => line.trim() !== "");
    return full.map((line) => this.#line("in", line)).join("");
  }

  sent(line: string): string {
    return this.#line("out", line.trimEnd());
  }

  ended(end: RecordedEnd["end"] | undefined): string {
    const last = end ? this.#put({ end }) : "";
    return last + this.#releaseHeld(null);
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

/** The lines, with what is recorded in the place of one that is too long. */
export function withoutLongLines(lines: string): string {
  if (lines.length <= maxLine) return lines;
  const short = (line: string) =>
    line.length > maxLine ? `a line of ${line.length} characters was left out` : line;
  return lines.split("\n").map(short).join("\n");
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
