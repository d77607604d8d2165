/** What is asked of the host, and what it has answered, by the id of the call or of the approval. */
export class HostAnswers<Answer> {
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  /** Answers that came before the server asked once more, as it does in another process. */
  readonly #early = new Map<string, Answer>();
  readonly #answered = new Set<string>();
  readonly #onOver: (id: string) => void;

  /** `onOver`: nobody needs an answer to this any more. */
  constructor(onOver: (id: string) => void) {
    this.#onOver = onOver;
  }

  /** Waits for the host's answer. Rejects with the signal's reason when none is needed any more. */
  wait(id: string, signal: AbortSignal): Promise<Answer> {
    const early = this.#early.get(id);
    if (early !== undefined) {
      this.#early.delete(id);
      return Promise.resolve(early);
    }
    if (this.#answered.has(id)) {
      return Promise.reject(new Error("The answer that was given has got lost."));
    }
    return new Promise((resolve, reject) => {
      const over = (): void => {
        this.#waiting.delete(id);
        this.#onOver(id);
        reject(signal.reason as Error);
      };
      this.#waiting.set(id, (answer) => {
        signal.removeEventListener("abort", over);
        this.#waiting.delete(id);
        resolve(answer);
      });
      if (signal.aborted) over();
      else signal.addEventListener("abort", over, { once: true });
    });
  }

  answer(id: string, answer: Answer): void {
    if (this.#answered.has(id)) return;
    this.#answered.add(id);
    const waiting = this.#waiting.get(id);
    if (waiting) waiting(answer);
    else this.#early.set(id, answer);
  }

  isAnswered(id: string): boolean {
    return this.#answered.has(id);
  }

  clear(): void {
    this.#early.clear();
    this.#answered.clear();
  }
}
