import { onDeadline } from "../async/deadline.js";

/**
 * How long after the thread went idle, or after an error that ends the turn, `turn/completed` may
 * take to come before the server is asked (ms). It follows within a few milliseconds.
 */
const endGraceMs = 1_000;

/** The longest pause before the server is asked once more (ms). */
const maxPauseMs = 30_000;

/** Asks what has become of a turn when its end should have come and did not, until that is known. */
export class TurnEndWatch {
  readonly #ask: (round: number) => Promise<boolean>;
  #stopDeadline: (() => void) | undefined;
  #state: "quiet" | "asking" | "suspicious" | "stopped" = "quiet";
  /** How often the server was asked without making things clear. */
  #rounds = 0;

  /** `ask` resolves with whether things are clear now, and never rejects; its rounds count from 1. */
  constructor(ask: (round: number) => Promise<boolean>) {
    this.#ask = ask;
  }

  /** Something says that the turn is over, or will be at once: that is asked about soon. */
  suspect(): void {
    if (this.#state === "asking") {
      this.#state = "suspicious";
    } else if (this.#state === "quiet" && (!this.#stopDeadline || this.#rounds > 0)) {
      this.#rounds = 0;
      this.#arm();
    }
  }

  stop(): void {
    this.#state = "stopped";
    this.#stopDeadline?.();
    this.#stopDeadline = undefined;
  }

  #arm(): void {
    const ms = Math.min(endGraceMs * 2 ** this.#rounds, maxPauseMs);
    this.#stopDeadline?.();
    const ask = (): void => {
      this.#stopDeadline = undefined;
      void this.#check();
    };
    this.#stopDeadline = onDeadline(ms, ask, { unref: true });
  }

  async #check(): Promise<void> {
    this.#state = "asking";
    const isClear = await this.#ask(this.#rounds + 1);
    const state = this.#state as "asking" | "suspicious" | "stopped";
    if (state === "stopped") return;
    const isSuspicious = state === "suspicious";
    this.#state = "quiet";
    this.#rounds = isClear || isSuspicious ? 0 : this.#rounds + 1;
    if (!isClear || isSuspicious) this.#arm();
  }
}
