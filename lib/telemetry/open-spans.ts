import { attempt } from "./guarded.js";

/** A span, or a set of things, that is still to be ended. */
export interface OpenSpan {
  /** Ends it before its operation is over. */
  cutShort(): void;
}

/** More than a process has under way at a time; bounds what is kept of operations that never end. */
const maxOpen = 10_000;

/** The spans that have no end yet, the oldest first. */
export class OpenSpans {
  readonly #open = new Set<OpenSpan>();

  get size(): number {
    return this.#open.size;
  }

  add(span: OpenSpan): void {
    this.#open.add(span);
    if (this.#open.size <= maxOpen) return;
    const [oldest] = this.#open;
    if (oldest) this.#end(oldest);
  }

  delete(span: OpenSpan): void {
    this.#open.delete(span);
  }

  endAll(): void {
    for (const span of this.#open) this.#end(span);
  }

  #end(span: OpenSpan): void {
    this.#open.delete(span);
    attempt(() => {
      span.cutShort();
    });
  }
}
