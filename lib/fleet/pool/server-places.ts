import { Deferred } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import { Line } from "./line.js";

export interface ServerPlacesOptions {
  readonly maxServers: number;
  readonly maxWaiting: number;
  readonly waitMs: number;
}

/** Whoever has a server. */
export interface ServerHolder {
  /** When it was used last (ms of the performance clock). */
  readonly lastUsedAt: number;
  /** Ends its server, if that has nothing to do; resolves with whether none runs any more. Never rejects. */
  suspend(): Promise<boolean>;
}

/** How often is looked for a server that has become idle, while somebody waits for its place (ms). */
const minPauseMs = 50;
const maxPauseMs = 1_000;

/** How long a server may take to say that it is idle, and to end, before others are asked, too (ms). */
const patienceMs = 2_000;

/**
 * Says when servers may be started. There are never more than `maxServers`: for one more, the server that was used
 * least recently is ended, among those that have nothing to do. Nobody else is ended, so the others wait in order.
 */
export class ServerPlaces {
  readonly #options: ServerPlacesOptions;
  readonly #line: Line;
  /** Who has how many: of one that has crashed, the next may be asked for before it is gone. */
  readonly #holders = new Map<ServerHolder, number>();
  /** Those that were asked whether they could be ended, and have not answered. */
  readonly #asked = new Set<ServerHolder>();
  #running = 0;
  #isMakingRoom = false;
  #changed = new Deferred<void>();

  constructor(options: ServerPlacesOptions) {
    this.#options = options;
    this.#line = new Line({ ...options, resource: "servers" });
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Resolves when the holder may start a server, with what gives its place back.
   *
   * @throws PoolFullError; the reason of `signal`.
   */
  async enter(holder: ServerHolder, signal: AbortSignal): Promise<() => void> {
    if (this.#running < this.#options.maxServers && this.#line.size === 0) {
      this.#running += 1;
    } else {
      const admitted = this.#line.wait(signal);
      void this.#makeRoom();
      // Whoever admits it counts it.
      await admitted;
    }
    this.#holders.set(holder, (this.#holders.get(holder) ?? 0) + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#left(holder);
    };
  }

  /** A server may have become idle. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = new Deferred();
  }

  #left(holder: ServerHolder): void {
    const left = (this.#holders.get(holder) ?? 0) - 1;
    if (left > 0) this.#holders.set(holder, left);
    else this.#holders.delete(holder);
    this.#running -= 1;
    this.#admit();
    this.wake();
  }

  #admit(): void {
    const { maxServers } = this.#options;
    while (this.#running < maxServers && this.#line.size > 0) {
      this.#running += 1;
      this.#line.admitNext();
    }
  }

  /** Ends idle servers as long as somebody waits. Never rejects. */
  async #makeRoom(): Promise<void> {
    if (this.#isMakingRoom) return;
    this.#isMakingRoom = true;
    let pauseMs = minPauseMs;
    while (this.#line.size > 0) {
      const changed = this.#changed.promise;
      // One that is ended gives its place back by itself.
      if (await this.#endIdle()) {
        pauseMs = minPauseMs;
      } else if (this.#options.waitMs === 0 && this.#asked.size === 0) {
        this.#line.refuseAll();
      } else {
        await settleWithin(changed, pauseMs);
        pauseMs = Math.min(2 * pauseMs, maxPauseMs);
      }
    }
    this.#isMakingRoom = false;
  }

  /** Ends the least recently used server that has nothing to do; resolves with whether there was one. */
  async #endIdle(): Promise<boolean> {
    const holders = [...this.#holders.keys()].sort((a, b) => a.lastUsedAt - b.lastUsedAt);
    for (const holder of holders) {
      // Somebody may have gone meanwhile, or given up waiting.
      if (this.#line.size === 0) return false;
      if (!this.#holders.has(holder) || this.#asked.has(holder)) continue;
      const { promise: changed } = this.#changed;
      // One that hangs must not keep the place of another from those who wait.
      if ((await settleWithin(this.#suspend(holder), patienceMs)) !== true) continue;
      // Its place is given back as soon as its process is gone, which `suspend()` has waited for.
      if (this.#holders.has(holder)) await settleWithin(changed, maxPauseMs);
      return true;
    }
    return false;
  }

  async #suspend(holder: ServerHolder): Promise<boolean> {
    this.#asked.add(holder);
    const isGone = await holder.suspend();
    this.#asked.delete(holder);
    return isGone;
  }
}
