import type { Readable } from "node:stream";

const maxCharacters = 8_192;

/** Drains a log stream, which would block the process when full, and keeps its end for errors. */
export class StderrTail {
  #text = "";

  constructor(stream: Readable, onText?: (text: string) => void) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-maxCharacters);
      try {
        onText?.(text);
      } catch {
        // A throwing listener is the caller's bug; it must not take the connection down.
      }
    });
  }

  /** The end of the output, at most 8,192 characters, without terminal colours. */
  get text(): string {
    return this.#text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  }
}
