import { onDeadline } from "../async/deadline.js";

/**
 * Watches for the time in which nothing comes of a turn. There is one timer, whatever comes: each
 * event leaves the time at which it came, and the timer goes on from there when it fires.
 */
export class IdleTimer {
  readonly #idleTimeoutMs: number;
  readonly #onSilence: () => Promise<void>;
  #heardAt = 0;
  #stopDeadline: (() => void) | undefined;
  #isOn = false;

  /** `onSilence` never rejects. Once it has settled, a new period begins. */
  constructor(idleTimeoutMs: number, onSilence: () => Promise<void>) {
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onSilence = onSilence;
  }

  begin(): void {
    this.heard();
    if (this.#isOn) return;
    this.#isOn = true;
    this.#arm(this.#idleTimeoutMs);
  }

  /** Something came, or somebody begins to wait: the period begins anew. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** How long nothing has come (ms). */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  stop(): void {
    this.#isOn = false;
    this.#stopDeadline?.();
  }

  #arm(ms: number): void {
    this.#stopDeadline = onDeadline(ms, () => void this.#check());
  }

  async #check(): Promise<void> {
    const restMs = this.#idleTimeoutMs - this.silentMs;
    if (restMs > 0) {
      this.#arm(Math.ceil(restMs));
      return;
    }
    await this.#onSilence();
    if (!this.#isOn) return;
    this.heard();
    this.#arm(this.#idleTimeoutMs);
  }
}
