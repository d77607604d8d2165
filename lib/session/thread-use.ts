import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "../messages/field-of.js";

/**
 * When a thread was used last, and whether the server may unload it meanwhile: that is, whether it would be the same
 * when it is loaded again.
 */
export class ThreadUse {
  #usedAt = performance.now();
  #count = 0;
  #isStored = false;
  #isEphemeral = false;
  #isSpoken = false;

  /** Changes with each use. */
  get count(): number {
    return this.#count;
  }

  /** How long it has not been used (ms). */
  get idleMs(): number {
    return performance.now() - this.#usedAt;
  }

  /**
   * Whether it is all in the server's store. A thread is stored with its first turn, an ephemeral one never, and a voice
   * session only as long as it is loaded.
   */
  get mayBeUnloaded(): boolean {
    return this.#isStored && !this.#isEphemeral && !this.#isSpoken;
  }

  /** Whether a voice session may be open on it. */
  get isSpoken(): boolean {
    return this.#isSpoken;
  }

  touch(): void {
    this.#usedAt = performance.now();
    this.#count += 1;
  }

  /** The server has answered that it has opened the thread. */
  opened(method: string, answer: unknown): void {
    this.touch();
    if (method === "thread/resume") this.#isStored = true;
    const isEphemeral = fieldOf(answer, "thread", "ephemeral");
    if (typeof isEphemeral === "boolean") this.#isEphemeral = isEphemeral;
  }

  asked(method: string): void {
    if (method === "thread/realtime/start") this.#isSpoken = true;
  }

  observe({ method }: NotificationMessage): void {
    this.touch();
    if (method === "turn/completed") this.#isStored = true;
    if (method === "thread/realtime/closed") this.#isSpoken = false;
  }
}
