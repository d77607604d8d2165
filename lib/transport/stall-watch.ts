import { unref } from "../async/realms.js";

/**
 * Notices when this process has done nothing for a while: its own code has kept it busy, or it was
 * stopped. Meanwhile it has read nothing, for which a server ends the connection.
 */
export class StallWatch {
  readonly #timer: NodeJS.Timeout;
  #last = { endedAt: -Infinity, ms: 0 };

  /** `onStall` gets the length of a stall when it has ended (ms), once a minute at most. */
  constructor(onStall: (ms: number) => void) {
    let lookedAt = performance.now();
    let toldAt = -Infinity;
    this.#timer = setInterval(() => {
      const now = performance.now();
      const ms = Math.round(now - lookedAt - lookMs);
      lookedAt = now;
      if (ms < stallMs) return;
      this.#last = { endedAt: now, ms };
      if (now - toldAt < quietMs) return;
      toldAt = now;
      onStall(ms);
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
}

/** How often it is looked (ms). */
const lookMs = 500;
/** The shortest stall that counts (ms); the system keeps what a server sends in less. */
const stallMs = 1_000;
/** How long after a stall the end of a connection has to do with it (ms). */
const recentMs = 5_000;
const quietMs = 60_000;
