import { EncodedJson } from "./encoded.js";

/**
 * Tells which of the requests that take long have been taken up by the server.
 *
 * The server loses requests only while they wait in its queue, and takes them out of it in order. So
 * a request is safe once a later one was answered; from then on it needs no place in flight, however
 * long its own answer takes. To learn of that soon, something is asked that is answered at once:
 * never more than one such question at a time, whatever the number of requests.
 */
export class QueueProbe {
  readonly #ask: () => number | undefined;
  /** By request id, in the order of sending. */
  readonly #waiting = new Map<number, () => void>();
  #question: number | undefined;

  /** `ask` sends the question, and gives its id. */
  constructor(ask: () => number | undefined) {
    this.#ask = ask;
  }

  /** A request that takes long was sent; `takenUp` is called when it is safe, if it still waits. */
  sent(id: number, takenUp: () => void): void {
    this.#waiting.set(id, takenUp);
    this.#inquire();
  }

  /** The server has answered a request, whichever; a refusal for lack of room does not count. */
  answered(id: number): void {
    for (const [earlier, takenUp] of this.#waiting) {
      if (earlier > id) break;
      this.#waiting.delete(earlier);
      takenUp();
    }
    // Should the question itself have been lost, this makes room for another one.
    if (this.#question !== undefined && this.#question <= id) this.#question = undefined;
    if (this.#waiting.size > 0) this.#inquire();
  }

  /** The request is over, and nothing is to be learnt from how it ended. */
  gone(id: number): void {
    this.#waiting.delete(id);
    if (id === this.#question) this.#question = undefined;
  }

  #inquire(): void {
    this.#question ??= this.#ask();
  }
}

/** The request: it is answered at once and changes nothing. To end a watch that does not exist is both. */
export const probeRequest = {
  method: "fs/unwatch",
  params: new EncodedJson(JSON.stringify({ watchId: "codex-app-server-sdk" })),
};
