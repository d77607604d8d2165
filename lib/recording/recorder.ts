import { setImmediate } from "node:timers";
import { Fifo } from "../async/fifo.js";
import type { Logger } from "../async/logger.js";
import { settleWithin } from "../async/timers.js";
import type { RecordedEnd } from "./format.js";
import { createRedaction } from "./redact.js";
import { RecordedLines, withoutLongLines } from "./recorded-lines.js";
import { RecordingFile } from "./recording-file.js";

/** What a connection tells of itself while it is recorded. */
export interface ConnectionRecorder {
  readonly received: (lines: string) => void;
  readonly sent: (line: string) => void;
  /** Nothing more comes. `end` is how the server ended, where the client did not close. */
  ended(end: RecordedEnd["end"] | undefined): void;
}

/** What records a client, when it is to be recorded; `environment` is that of its server. */
export function recorderFor(
  { record, logger }: { readonly record: string | undefined; readonly logger: Required<Logger> },
  environment: Readonly<Record<string, string | undefined>> = {},
): Recorder | undefined {
  if (record === undefined) return undefined;
  return new Recorder(record, logger, { ...process.env, ...environment });
}

/** How much may wait to be worked off or written (bytes). */
const maxWaiting = 64 * 1_048_576;
/** How long the recording works without letting others go on (ms). */
const sliceMs = 4;
/** How long the end of a client waits for the file (ms). A file system may hang for ever. */
const finishMs = 5_000;

/**
 * Writes what goes over the connections of a client into a file, one line of JSON a message, without the
 * secrets. It works beside the connection, in small pieces, and gives up before it holds anything up.
 */
export class Recorder {
  readonly #file: RecordingFile;
  readonly #redact: (message: unknown) => unknown;
  /** What is still to be turned into lines, and about how many bytes it takes. */
  readonly #tasks = new Fifo<{ readonly bytes: number; readonly toText: () => string }>();
  #waiting = 0;
  #working: Promise<void> | undefined;

  /** `environment`: what the server is started with. Its secret values are looked for in all text. */
  constructor(
    path: string,
    logger: Required<Logger>,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#file = new RecordingFile(path, logger);
    this.#redact = createRedaction(environment);
  }

  /** Records another connection, behind those before it. */
  begin(): ConnectionRecorder {
    const lines = new RecordedLines(this.#redact);
    return {
      // What is left out does not wait either: one line may be longer than all that may wait.
      received: (text) => {
        const short = withoutLongLines(text);
        this.#add(short.length, () => lines.received(short));
      },
      sent: (line) => {
        const short = withoutLongLines(line);
        this.#add(short.length, () => lines.sent(short));
      },
      ended: (end) => {
        this.#add(0, () => lines.ended(end));
        void this.finish();
      },
    };
  }

  /** Resolves when all that came so far is in the file, or after five seconds. Never rejects. */
  async finish(): Promise<void> {
    await settleWithin(this.#finish(), finishMs);
  }

  async #finish(): Promise<void> {
    await this.#working;
    await this.#file.close();
  }

  #add(bytes: number, toText: () => string): void {
    if (this.#file.hasStopped) return;
    this.#waiting += bytes;
    if (this.#waiting > maxWaiting) this.#file.stop("more came than could be written");
    else this.#tasks.push({ bytes, toText });
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    while (this.#tasks.size > 0) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      if (this.#file.hasStopped) this.#tasks.clear();
      await this.#file.write(this.#nextText());
    }
    this.#working = undefined;
  }

  #nextText(): string {
    const end = performance.now() + sliceMs;
    let text = "";
    for (let task = this.#tasks.shift(); task; task = this.#tasks.shift()) {
      text += task.toText();
      this.#waiting -= task.bytes;
      if (performance.now() > end) break;
    }
    return text;
  }
}
