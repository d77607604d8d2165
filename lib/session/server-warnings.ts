import type { Logger } from "../async/logger.js";
import { serverSentences } from "../errors/server-sentences.js";
import { plainWords } from "../errors/without-values.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { textOf } from "../messages/field-of.js";

/** The same warning is logged once in so long (ms), and not too many in all. */
const windowMs = 60_000;
const maxInWindow = 30;

const maxCharacters = 2_000;

/** Logs what the server warns of, without the values in it: nobody may be listening to the notifications. */
export class ServerWarnings {
  readonly #logger: Required<Logger>;
  readonly #logged = new Set<string>();
  #windowStart = -Infinity;
  #leftOut = 0;

  constructor(logger: Required<Logger>) {
    this.#logger = logger;
  }

  observe({ method, params }: NotificationMessage): void {
    switch (method) {
      case "warning":
        this.#log("The server warns", textIn(params, "message"));
        break;
      case "guardianWarning": {
        // Behind the colon stands what a model has to say of the command, and the command.
        const [verdict = ""] = textIn(params, "message").split(serverSentences.endOfVerdict, 1);
        this.#log("The server's reviewer of approvals warns", verdict);
        break;
      }
      case "configWarning":
        this.#log("The server warns of its configuration", textIn(params, "summary"));
        break;
    }
  }

  #log(intro: string, text: string): void {
    const line = `${intro}: ${plainWords(text)}`;
    const now = performance.now();
    if (now - this.#windowStart >= windowMs) this.#begin(now);
    if (this.#logged.has(line)) return;
    if (this.#logged.size >= maxInWindow) {
      this.#leftOut += 1;
      return;
    }
    this.#logged.add(line);
    this.#logger.warn(line);
  }

  #begin(now: number): void {
    if (this.#leftOut > 0) this.#logger.warn(`${this.#leftOut} more warnings were not logged.`);
    this.#windowStart = now;
    this.#leftOut = 0;
    this.#logged.clear();
  }
}

/** What is looked at of a text, which can be of any length. */
function textIn(params: unknown, field: string): string {
  return textOf(params, field)?.slice(0, maxCharacters) ?? "…";
}
