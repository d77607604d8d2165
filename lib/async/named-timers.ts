import { onDeadline } from "./deadline.js";

/** Deadlines by name, of each name one at most. They do not keep the process alive. */
export class NamedTimers<Name extends string> {
  readonly #stops = new Map<Name, () => void>();

  /** Calls `listener` after `ms` milliseconds, in the place of what was set under this name. */
  set(name: Name, ms: number, listener: () => void): void {
    this.stop(name);
    const expire = (): void => {
      this.#stops.delete(name);
      listener();
    };
    this.#stops.set(name, onDeadline(ms, expire, { unref: true }));
  }

  stop(name: Name): void {
    this.#stops.get(name)?.();
    this.#stops.delete(name);
  }

  stopAll(): void {
    for (const name of [...this.#stops.keys()]) this.stop(name);
  }
}
