import type { Life } from "../async/life.js";
import { CodexDrainingError } from "../errors/draining-error.js";
import { beginsWork } from "../messages/begins-work.js";
import type { Admission } from "./admission.js";

/** A turn or a goal that a call of this client has begun. */
export interface Work {
  readonly threadId: string;
  /** Undefined until the server has named the turn, and between two turns of a goal. */
  readonly turnId: string | undefined;
  readonly life: Life;
  /** Stops it and waits for its end, though not for ever. Never rejects. */
  interruptAndWait(): Promise<void>;
}

/** Such work, with the time when this client took it on (ms since 1970). */
interface Begun {
  readonly work: Work;
  readonly since: number;
}

/**
 * What the calls of a client have begun, and whether more may begin. It outlives the connection, and the
 * process of the server.
 */
export class WorkUnderWay {
  readonly #begun = new Set<Begun>();
  readonly #admission: Pick<Admission, "turn"> | undefined;
  #isDraining = false;

  constructor(admission?: Pick<Admission, "turn">) {
    this.#admission = admission;
  }

  /** What is not over, the oldest first. */
  get all(): readonly Begun[] {
    return [...this.#begun];
  }

  /** Nothing more begins. What has been admitted goes on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** @throws CodexDrainingError when nothing more begins; `method` is what would be sent. */
  admit(method: string | undefined): void {
    if (this.#isDraining && method !== undefined) throw new CodexDrainingError(method);
  }

  /** Why a request that somebody has made by hand is not sent; undefined when it is. */
  refusalOf(method: string, params: unknown): CodexDrainingError | undefined {
    const isRefused = this.#isDraining && beginsWork(method, params);
    return isRefused ? new CodexDrainingError(method) : undefined;
  }

  /**
   * Resolves when what has this life may be sent; undefined when it may at once. It has a place then until it is over.
   *
   * @throws what it fails with.
   */
  admission(life: Life): Promise<void> | undefined {
    return this.#admission && this.#enter(this.#admission, life);
  }

  async #enter(admission: Pick<Admission, "turn">, life: Life): Promise<void> {
    const over = new AbortController();
    life.onOver(() => {
      over.abort();
    });
    try {
      life.onOver(await admission.turn(over.signal));
    } catch (error) {
      if (!life.isOver()) throw error;
    }
  }

  /** Takes note of it until it is over. */
  add(work: Work): void {
    const begun = { work, since: Date.now() };
    this.#begun.add(begun);
    work.life.onOver(() => this.#begun.delete(begun));
  }
}
