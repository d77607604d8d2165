import { unref } from "../async/realms.js";

/**
 * Notices when this process has done nothing for a while: its own code has kept it busy, or it was
 * stopped. Meanwhile it has read nothing, for which a server ends the connection.
 */
export class StallWatch {
  readonly #onStall: (ms: number) => void;
  readonly #timer: NodeJS.Timeout;
  #lookedAt = performance.now();
  #last = { endedAt: -Infinity, ms: 0 };
  #toldAt = -Infinity;

  /** `onStall` gets the length of a stall when it has ended (ms), once a minute at most. */
  constructor(onStall: (ms: number) => void) {
    this.#onStall = onStall;
    this.#timer = setInterval(() => {
      this.#look();
    }, lookMs);
    unref(this.#timer);
  }

  /** The length of a stall that ended in the last seconds (ms), else undefined. */
  recent(): number | undefined {
    const { endedAt, ms } = this.#last;
    return performance.now() - endedAt < recentMs ? ms : undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    const ms = Math.round(now - this.#lookedAt - lookMs);
    this.#lookedAt = now;
    if (ms < stallMs) return;
    this.#last = { endedAt: now, ms };
    if (now - this.#toldAt < quietMs) return;
    this.#toldAt = now;
    this.#onStall(ms);
  }
}

/** How often it is looked (ms). */
const lookMs = 500;
/** The shortest stall that counts (ms); the system keeps what a server sends in less. */
const stallMs = 1_000;
/** How long after a stall the end of a connection has to do with it (ms). */
const recentMs = 5_000;
const quietMs = 60_000;
