import { BoundedMap } from "../async/bounded-map.js";
import type { Answer } from "../jsonrpc/connection.js";
import type { RequestMessage } from "../jsonrpc/message.js";
import { OpenRequest } from "./open-request.js";

/** The subject of a request; nothing else is kept when it is over. */
type Subject = Pick<
  OpenRequest,
  "method" | "threadId" | "namedTurnId" | "turnId" | "itemId" | "isEvent"
>;

export type RequestIds = Subject & Pick<OpenRequest, "requestId">;

interface PastRequest extends Subject {
  /** The answer, which may not have reached the server: kept until it is known to have. */
  answer: { readonly answer: Answer; readonly params: unknown } | undefined;
  /** The connection that it belonged to, by number. */
  connection: number;
}

type Arrival =
  | { readonly kind: "new"; readonly request: OpenRequest }
  /** It was here before, over an earlier connection: this answers it. */
  | { readonly kind: "again"; readonly answer: Promise<Answer | undefined> }
  | { readonly kind: "known" };

/** How many requests are remembered after their end. */
const maxOver = 1_024;

/**
 * The requests that wait for an answer, and what the last ones were about that did. Resuming a
 * thread makes the server send its open requests again, with the same ids, and also one that is
 * being answered at that moment: none of these is a new question.
 *
 * Over a new connection it does so, too, and there they have to be answered. But the server may be
 * another process by then, which counts its ids from zero: only what is the same in every way, in a
 * turn that no other process can have, is the same question.
 */
export class OpenRequests {
  readonly #open = new Map<string | number, OpenRequest>();
  readonly #over = new BoundedMap<string | number, PastRequest>(maxOver);
  readonly #keepAnswers: boolean;
  #connection = 0;

  /** `keepAnswers`: whether there may be a second connection, on which a lost answer is asked for. */
  constructor(keepAnswers = false) {
    this.#keepAnswers = keepAnswers;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Whether there is nothing that a notification could put an end to. */
  get isIdle(): boolean {
    return this.#open.size === 0 && !(this.#keepAnswers && this.#over.size > 0);
  }

  /** All open ones; those that end meanwhile are still among them. */
  list(): readonly OpenRequest[] {
    return [...this.#open.values()];
  }

  /** Those of an earlier connection that have not come again over this one. */
  old(): readonly OpenRequest[] {
    return this.list().filter(({ connection }) => connection !== this.#connection);
  }

  /** From now on requests come over another connection. */
  nextConnection(): void {
    this.#connection += 1;
  }

  /** `threadOf` tells the thread of a turn that is followed here. */
  open(message: RequestMessage, threadOf?: (turnId: string) => string | undefined): Arrival {
    const close = (answer: Answer | undefined): void => {
      this.#close(request, answer);
    };
    const request = new OpenRequest(message, this.#connection, close, threadOf);
    const waiting = this.#open.get(message.id);
    if (waiting) {
      if (waiting.connection === this.#connection) return { kind: "known" };
      if (isSameQuestion(waiting, request)) {
        waiting.connection = this.#connection;
        return { kind: "again", answer: waiting.answer };
      }
      // The server that asked it is gone, and this request must not be taken for it.
      waiting.endFor("resolved");
    }
    const before = this.#over.get(message.id);
    if (before && isSame(before, request)) {
      if (before.connection === this.#connection) return { kind: "known" };
      const { answer } = before;
      if (answer && isSameQuestion({ ...before, params: answer.params }, request)) {
        before.connection = this.#connection;
        return { kind: "again", answer: Promise.resolve(answer.answer) };
      }
    }
    this.#open.set(message.id, request);
    return { kind: "new", request };
  }

  /** By its id on the wire, or by its key. */
  get(id: string | number): OpenRequest | undefined {
    return this.#open.get(id) ?? this.list().find(({ key }) => key === id);
  }

  /** The subject of the request with this id on the wire, also for a while after its end. */
  subjectOf(requestId: string | number): Subject | undefined {
    return this.#open.get(requestId) ?? this.#over.get(requestId);
  }

  /** It is none of our business: should it come again, it is as new. */
  forget(request: OpenRequest): void {
    request.settle(undefined);
    this.#over.delete(request.requestId);
  }

  /** The server has these answers, or needs them no more. */
  forgetAnswers(applies: (request: RequestIds & { connection: number }) => boolean): void {
    for (const [requestId, past] of this.#over) {
      if (past.answer && applies({ ...past, requestId })) past.answer = undefined;
    }
  }

  /** Requests that were answered over an earlier connection, and were not asked again. */
  forgetOldAnswers(threadId: string): void {
    const connection = this.#connection;
    this.forgetAnswers((past) => past.threadId === threadId && past.connection !== connection);
  }

  #close(request: OpenRequest, given: Answer | undefined): void {
    const { requestId, method, threadId, namedTurnId, turnId, itemId, isEvent } = request;
    const { connection, params } = request;
    const answer = this.#keepAnswers && given ? { answer: given, params } : undefined;
    const subject = { method, threadId, namedTurnId, turnId, itemId, isEvent };
    if (this.#open.get(requestId) === request) this.#open.delete(requestId);
    this.#over.set(requestId, { ...subject, connection, answer });
  }
}

function isSame(one: Subject, other: Subject): boolean {
  return (
    one.method === other.method &&
    one.threadId === other.threadId &&
    one.namedTurnId === other.namedTurnId &&
    one.itemId === other.itemId
  );
}

/** Whether an answer to the one may be given to the other, though another connection brought it. */
function isSameQuestion(one: Subject & { params: unknown }, other: OpenRequest): boolean {
  const { threadId, namedTurnId } = other;
  if (threadId === undefined || namedTurnId === undefined || !isSame(one, other)) return false;
  try {
    return JSON.stringify(one.params) === JSON.stringify(other.params);
  } catch {
    // Nested more deeply than it can be written.
    return false;
  }
}
