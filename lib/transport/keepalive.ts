import { maxTimerMs } from "../async/timers.js";

export interface KeepaliveOptions {
  /** How long silence may last before it is asked about (ms). */
  readonly intervalMs: number;
  /** How long the other side may take to show a sign of life then (ms). */
  readonly timeoutMs: number;
  /** A number that changes with everything that comes in. */
  received(): number;
  /** A number that changes while a long message goes out, behind which a ping has to wait. */
  sentOn(): number;
  ping(): void;
  /** Called once, when there was no sign of life; nothing follows. */
  onLost(): void;
}

/**
 * Notices a connection that is gone although nobody has closed it: a machine that lost its power, a
 * firewall that forgot. Only what comes in tells that somebody is there, so a long download is no
 * silence. What goes out tells nothing: the system takes it, whether or not anybody receives it.
 */
export class Keepalive {
  readonly #options: KeepaliveOptions;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  #stopped = false;

  constructor(options: KeepaliveOptions) {
    this.#options = options;
    this.#watch();
  }

  /** Something came. Only the first after a ping makes a difference. */
  answered(): void {
    if (!this.#asking) return;
    clearTimeout(this.#timer);
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #watch(): void {
    this.#asking = false;
    const before = this.#options.received();
    this.#in(this.#options.intervalMs, () => {
      if (this.#options.received() === before) this.#ask();
      else this.#watch();
    });
  }

  #ask(): void {
    const before = this.#options.received();
    const sentBefore = this.#options.sentOn();
    this.#asking = true;
    this.#options.ping();
    this.#in(this.#options.timeoutMs, () => {
      // After a pause of this process the answer may be there and only not be read yet: timers run
      // before the sockets are read.
      setImmediate(() => {
        if (this.#stopped || !this.#asking) return;
        if (this.#options.received() !== before || this.#options.sentOn() !== sentBefore) {
          this.#watch();
          return;
        }
        this.stop();
        this.#options.onLost();
      });
    });
  }

  #in(ms: number, step: () => void): void {
    if (this.#stopped || ms > maxTimerMs) return;
    this.#timer = setTimeout(step, ms);
    this.#timer.unref();
  }
}
