import { onAbort } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { Deferred } from "../../async/deferred.js";
import {
  defer,
  RequestNotPendingError,
  type DeferredAnswer,
  type RequestAnswer,
  type RequestContext,
  type RequestHandlers,
  type UserRequest,
} from "../../index.js";
import { HandedOverError } from "./handed-over-error.js";

interface EarlyAnswer {
  readonly answer: RequestAnswer;
  readonly taken: Deferred<void>;
}

/**
 * What the server asks in one turn, until somebody on any machine answers. The first answer counts. What nobody
 * answers in time is refused; what is handed over stays open in the server, for whoever follows the turn next.
 */
export class HeldAnswers {
  readonly handlers: Pick<RequestHandlers, "onApproval" | "onUserInput" | "onElicitation">;
  readonly #answerWithinMs: number;
  readonly #open = new Map<string, Deferred<RequestAnswer | DeferredAnswer>>();
  /** Answers that were there before the server had asked (again). */
  readonly #early = new Map<string, EarlyAnswer>();
  /** What was asked here, and needs no answer any more. */
  readonly #over = new Set<string>();
  #isHandedOver = false;

  constructor(answerWithinMs: number) {
    this.#answerWithinMs = answerWithinMs;
    const hold = async <Answer>(
      request: UserRequest,
      context: RequestContext,
    ): Promise<Answer | DeferredAnswer> =>
      (await this.#hold(request.type, context)) as Answer | DeferredAnswer;
    this.handlers = {
      onApproval: hold,
      onUserInput: hold,
      onElicitation: hold,
    };
  }

  /** Answers an open request. @throws RequestNotPendingError when it is not open (any more). */
  answer(key: string, answer: RequestAnswer): void {
    const open = this.#open.get(key);
    if (!open) throw new RequestNotPendingError(key);
    this.#close(key);
    open.resolve(answer);
  }

  /**
   * Answers a request as soon as the server asks it (again). Resolves when it has; rejects with a RequestNotPendingError
   * when it was answered otherwise before, and with a HandedOverError, without an answer, when the signal aborts first.
   */
  async answerWhenAsked(key: string, answer: RequestAnswer, signal: AbortSignal): Promise<void> {
    if (this.#open.has(key) || this.#over.has(key) || this.#early.has(key)) {
      this.answer(key, answer);
      return;
    }
    const taken = new Deferred<void>();
    this.#early.set(key, { answer, taken });
    using _link = onAbort(signal, () => {
      this.#early.delete(key);
      taken.reject(new HandedOverError());
    });
    await taken.promise;
  }

  /** The request needs no answer any more: a handler of the worker's own has answered it, or another client. */
  end(key: string): void {
    if (this.#open.has(key)) return;
    this.#over.add(key);
    this.#early.get(key)?.taken.reject(new RequestNotPendingError(key));
    this.#early.delete(key);
  }

  /** Whether the server has asked this here. */
  knows(key: string): boolean {
    return this.#open.has(key) || this.#over.has(key);
  }

  /** Leaves what is open to others. */
  handOver(): void {
    this.#isHandedOver = true;
    for (const open of this.#open.values()) open.resolve(defer());
    this.#open.clear();
  }

  async #hold(
    type: UserRequest["type"],
    { key, signal }: RequestContext,
  ): Promise<RequestAnswer | DeferredAnswer> {
    if (this.#isHandedOver) return defer();
    const early = this.#early.get(key);
    if (early) {
      this.#early.delete(key);
      this.#over.add(key);
      early.taken.resolve();
      return early.answer;
    }
    const answered = new Deferred<RequestAnswer | DeferredAnswer>();
    this.#open.set(key, answered);
    const refuse = (): void => {
      this.#close(key);
      answered.resolve(type === "userInput" ? {} : "decline");
    };
    using _deadline = onDeadline(this.#answerWithinMs, refuse, { unref: true });
    // Nobody needs the answer any more; what it is, makes no difference.
    using _link = onAbort(signal, refuse);
    return await answered.promise;
  }

  #close(key: string): void {
    this.#open.delete(key);
    this.#over.add(key);
  }
}
