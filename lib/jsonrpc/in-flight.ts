import { Fifo } from "../async/fifo.js";

/** A place in line, then in flight. */
export interface Ticket {
  /** Gives the place back, or up. Calling it again does nothing. */
  leave(): void;
}

interface Entry extends Ticket {
  state: "waiting" | "active" | "left";
  readonly start: () => void;
}

/**
 * Admits at most `limit` requests at once, first come, first served. Over 128 in flight, the real
 * server drops some requests without any answer.
 */
export class InFlightLimit {
  readonly #limit: number;
  readonly #waiting = new Fifo<Entry>();
  #active = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Calls `start` when there is room: at once, or when others have left. */
  enter(start: () => void): Ticket {
    const entry: Entry = {
      state: "waiting",
      start,
      leave: () => {
        const wasActive = entry.state === "active";
        entry.state = "left";
        if (!wasActive) return;
        this.#active -= 1;
        this.#admit();
      },
    };
    this.#waiting.push(entry);
    this.#admit();
    return entry;
  }

  #admit(): void {
    while (this.#active < this.#limit) {
      const next = this.#waiting.shift();
      if (!next) return;
      if (next.state === "left") continue;
      next.state = "active";
      this.#active += 1;
      next.start();
    }
  }
}
