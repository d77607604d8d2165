import { onDeadline } from "../async/deadline.js";

export interface KeepaliveOptions {
  /** How long silence may last before it is asked about (ms); see `apartMs` for how often. */
  readonly intervalMs: number;
  /** How long the other side may take to show a sign of life then (ms). */
  readonly timeoutMs: number;
  /** A number that changes with everything that comes in. */
  readonly received: () => number;
  /** A number that changes while a long message goes out, behind which a ping has to wait. */
  readonly sentOn: () => number;
  /** Whether nothing is taken in at the moment, by our own choice: no answer could be seen then. */
  readonly isPaused: () => boolean;
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
  #stopTimer: () => void = () => undefined;
  #asking = false;
  #askedAt = -Infinity;
  #stopped = false;

  constructor(options: KeepaliveOptions) {
    this.#options = options;
    this.#watch();
  }

  /** Something came. Only the first after a ping makes a difference. */
  answered(): void {
    if (!this.#asking) return;
    this.#stopTimer();
    this.#watch();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
  }

  #watch(): void {
    this.#asking = false;
    const { intervalMs, received, isPaused } = this.#options;
    if (this.#stopped) return;
    const before = received();
    const rest = this.#askedAt + apartMs - performance.now();
    const look = (): void => {
      if (received() === before && !isPaused()) this.#ask();
      else this.#watch();
    };
    this.#stopTimer = onDeadline(Math.max(intervalMs, rest), look, { unref: true });
  }

  #ask(): void {
    const { timeoutMs, received, sentOn, isPaused } = this.#options;
    const before = received();
    const sentBefore = sentOn();
    this.#asking = true;
    this.#askedAt = performance.now();
    const judge = (): void => {
      if (received() !== before || sentOn() !== sentBefore || isPaused()) {
        this.#watch();
        return;
      }
      this.stop();
      this.#options.onLost();
    };
    this.#stopTimer = onDeadline(timeoutMs, judge, { unref: true });
    this.#options.ping();
  }
}

/**
 * How far apart questions are at least (ms). A server answers each once at once, and once more behind
 * what it is sending. While that is one large message, or the other side reads slowly, the second
 * answers pile up, and it cuts the connection when there are some hundred of them.
 */
const apartMs = 1_000;
