import { Deferred, ignoreRejection } from "../async/deferred.js";
import type { Failure } from "../async/life.js";

/** Those who wait for something that becomes of a turn before its end. */
export class TurnWaiters {
  readonly #accepted = new Deferred<{ readonly id: string }>();
  readonly #begun = new Deferred<void>();
  readonly #left = new Deferred<void>();
  #stalled = new Deferred<Failure>();
  #stopAnswer = new Deferred<void>();

  constructor() {
    void ignoreRejection(this.#accepted.promise);
    void ignoreRejection(this.#stopAnswer.promise);
  }

  /** Resolves when the server has named the turn; rejects, unnoticed, when it never will. */
  get accepted(): Promise<{ readonly id: string }> {
    return this.#accepted.promise;
  }

  /** Resolves when the server has said that the turn runs. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /** Resolves when the next turn may go onto the thread, although this one is not over. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Resolves with an error when the turn has been silent for too long the next time. */
  get stalled(): Promise<Failure> {
    return this.#stalled.promise;
  }

  /** Settles when the server has answered the attempt to stop the turn. */
  get stopAnswer(): Promise<void> {
    return this.#stopAnswer.promise;
  }

  tellAccepted(id: string): void {
    this.#accepted.resolve({ id });
  }

  tellNotAccepted(reason: unknown): void {
    this.#accepted.reject(reason);
  }

  tellBegun(): void {
    this.#begun.resolve();
  }

  tellLeft(): void {
    this.#left.resolve();
  }

  tellStalled(failure: Failure): void {
    this.#stalled.resolve(failure);
    this.#stalled = new Deferred();
  }

  tellStopAnswer(failure: Failure | undefined): void {
    if (failure) this.#stopAnswer.reject(failure());
    else this.#stopAnswer.resolve();
    this.#stopAnswer = new Deferred();
    void ignoreRejection(this.#stopAnswer.promise);
  }
}
