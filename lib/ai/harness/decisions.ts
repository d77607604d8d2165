import { onDeadline } from "../../async/deadline.js";

/** How long a request that was shown may be without a handler that was called for it (ms). */
const maxLateMs = 2_000;

/** True or false where nobody has to be asked. */
type Decision = Promise<boolean | undefined>;

/** Which requests of a turn are decided without the host, by their keys. A request is shown before its handler is called. */
export class Decisions {
  readonly #decisions = new Map<string, Decision>();
  readonly #awaited = new Map<string, (decision: Decision) => void>();

  set(key: string, decision: Decision): void {
    this.#decisions.set(key, decision);
    this.#awaited.get(key)?.(decision);
    this.#awaited.delete(key);
  }

  of(key: string): Decision {
    const known = this.#decisions.get(key);
    if (known) return known;
    return new Promise((resolve) => {
      const stop = onDeadline(maxLateMs, () => {
        this.#awaited.delete(key);
        resolve(undefined);
      });
      this.#awaited.set(key, (decision) => {
        stop();
        resolve(decision);
      });
    });
  }

  clear(): void {
    this.#decisions.clear();
  }
}
