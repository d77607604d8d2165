import { Fifo } from "../async/fifo.js";

interface Place {
  state: "waiting" | "active" | "left";
  readonly start: () => void;
}

/**
 * Admits at most `limit` requests at once, first come, first served. Over 128 in flight, the real
 * server drops some requests without any answer.
 */
export class InFlightLimit {
  readonly #limit: number;
  readonly #waiting = new Fifo<Place>();
  #active = 0;
  #isAdmitting = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Calls `start` when there is room: at once, or when others have left. Returns what gives the place back,
   * or up; calling that again does nothing.
   */
  enter(start: () => void): () => void {
    const place: Place = { state: "waiting", start };
    if (this.#waiting.size === 0 && this.#active < this.#limit) this.#begin(place);
    else this.#waiting.push(place);
    return () => {
      const wasActive = place.state === "active";
      place.state = "left";
      if (!wasActive) return;
      this.#active -= 1;
      this.#admit();
    };
  }

  #admit(): void {
    // One that leaves as soon as it begins makes room for the loop that has admitted it.
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    try {
      while (this.#active < this.#limit) {
        const next = this.#waiting.shift();
        if (!next) return;
        if (next.state === "waiting") this.#begin(next);
      }
    } finally {
      this.#isAdmitting = false;
    }
  }

  #begin(place: Place): void {
    place.state = "active";
    this.#active += 1;
    place.start();
  }
}
