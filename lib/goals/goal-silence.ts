import { onDeadline } from "../async/deadline.js";

/** How long the server may be silent between two turns before it is asked what is going on (ms). */
const silenceMs = 2_000;

/** How often in a row it may have nothing under way, before nothing more is expected of it. */
const maxIdleAnswers = 2;

/**
 * Between two turns the server is silent for some milliseconds, and for good when it has decided, in
 * plan mode say, to start no more. No time limit can tell these apart, but the server can: so after
 * a while it is asked.
 */
export class GoalSilence {
  readonly #isIdle: () => Promise<boolean>;
  readonly #stalled: () => void;
  #stopDeadline: (() => void) | undefined;
  #idleAnswers = 0;

  /** `isIdle` asks the server; it must not reject. `stalled` is called when nothing more comes. */
  constructor(isIdle: () => Promise<boolean>, stalled: () => void) {
    this.#isIdle = isIdle;
    this.#stalled = stalled;
  }

  /** A turn is expected, from now on or still. */
  begin(): void {
    if (this.#stopDeadline) return;
    const stopDeadline = onDeadline(silenceMs, () => void this.#ask(stopDeadline), { unref: true });
    this.#stopDeadline = stopDeadline;
  }

  end(): void {
    this.#stopDeadline?.();
    this.#stopDeadline = undefined;
    this.#idleAnswers = 0;
  }

  async #ask(stopDeadline: () => void): Promise<void> {
    const idle = await this.#isIdle();
    if (this.#stopDeadline !== stopDeadline) return;
    this.#stopDeadline = undefined;
    this.#idleAnswers = idle ? this.#idleAnswers + 1 : 0;
    if (this.#idleAnswers < maxIdleAnswers) this.begin();
    else this.#stalled();
  }
}
