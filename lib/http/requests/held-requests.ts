import { onAbort } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { Deferred } from "../../async/deferred.js";
import type {
  Answering,
  ApprovalDecision,
  ApprovalRequest,
  ElicitationAnswer,
  ElicitationRequest,
  RequestAnswer,
  RequestContext,
  UserInputAnswers,
  UserInputRequest,
  UserRequest,
} from "../../index.js";
import { refusalFor } from "./browser-answer.js";

/** The handlers that leave approvals and questions to whoever watches the turn. */
export interface HeldRequestHandlers {
  readonly onApproval: (
    request: ApprovalRequest,
    context: RequestContext,
  ) => Answering<ApprovalDecision>;
  readonly onUserInput: (
    request: UserInputRequest,
    context: RequestContext,
  ) => Answering<UserInputAnswers>;
  readonly onElicitation: (
    request: ElicitationRequest,
    context: RequestContext,
  ) => Answering<ElicitationAnswer>;
}

interface Held {
  readonly type: UserRequest["type"];
  readonly settle: (answer: RequestAnswer) => void;
  /** Resolves when it has its answer. */
  readonly settled: Promise<unknown>;
}

/** The requests of the server that wait for an answer from outside. None waits for longer than it may. */
export class HeldRequests {
  readonly handlers: HeldRequestHandlers;
  readonly #answerWithinMs: number;
  /** Of two clients of one server, each may hold the same request, under the same key. */
  readonly #held = new Map<string, readonly Held[]>();

  constructor(answerWithinMs: number) {
    this.#answerWithinMs = answerWithinMs;
    // What a browser may answer to each type of request, `toRequestAnswer()` knows.
    const hold = async <Answer>(request: UserRequest, context: RequestContext): Promise<Answer> =>
      (await this.#hold(request.type, context)) as Answer;
    this.handlers = { onApproval: hold, onUserInput: hold, onElicitation: hold };
  }

  get size(): number {
    return this.#held.size;
  }

  /** The type of an open request; undefined when it is open no more. */
  typeOf(key: string): UserRequest["type"] | undefined {
    return this.#held.get(key)?.[0]?.type;
  }

  /** Resolves when the request is open no more. */
  async settled(key: string): Promise<void> {
    await Promise.all(this.#heldAs(key).map(({ settled }) => settled));
  }

  /** Answers an open request. */
  settle(key: string, answer: RequestAnswer): void {
    for (const held of this.#heldAs(key)) held.settle(answer);
  }

  #heldAs(key: string): readonly Held[] {
    return this.#held.get(key) ?? [];
  }

  async #hold(type: UserRequest["type"], { key, signal }: RequestContext): Promise<RequestAnswer> {
    const refusal = refusalFor(type);
    const answered = new Deferred<RequestAnswer>();
    const held: Held = { type, settle: answered.resolve, settled: answered.promise };
    this.#held.set(key, [...this.#heldAs(key), held]);
    const refuse = (): void => {
      answered.resolve(refusal);
    };
    using _deadline = onDeadline(this.#answerWithinMs, refuse, { unref: true });
    // Nobody needs the answer any more; what it is, makes no difference.
    using _link = onAbort(signal, refuse);
    const answer = await answered.promise;
    const others = this.#heldAs(key).filter((other) => other !== held);
    if (others.length > 0) this.#held.set(key, others);
    else this.#held.delete(key);
    return answer;
  }
}
