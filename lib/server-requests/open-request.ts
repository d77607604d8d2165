import type { CallerContext } from "../async/caller-context.js";
import { Deferred } from "../async/deferred.js";
import { ServerRequestOverError, type RequestOverReason } from "../errors/server-request-errors.js";
import type { Answer } from "../jsonrpc/connection.js";
import type { RequestMessage } from "../jsonrpc/message.js";
import { textOf } from "../messages/field-of.js";
import { idsIn } from "../messages/message-ids.js";
import { requestKey } from "./request-key.js";
import type { RequestContext } from "./request-context.js";
import type { Fields, UserRequest } from "./request-kinds.js";

/**
 * A request that waits for its answer, as `pendingRequests()` lists it. Its `key` is safe to send to a
 * browser.
 */
export interface PendingRequest extends Omit<RequestContext, "signal"> {
  /** The question to a person, told apart by `type`; undefined when the request asks no person. */
  readonly request: UserRequest | undefined;
  /** The params as they came. */
  readonly params: unknown;
  /** Whether its handler has returned `defer()`; otherwise the handler still works on it. */
  readonly deferred: boolean;
  readonly receivedAt: Date;
}

/** One request of the server, from its arrival to its one answer, or to the end of its use. */
export class OpenRequest {
  readonly key: string;
  readonly receivedAt = new Date();
  readonly requestId: string | number;
  readonly method: string;
  readonly params: unknown;
  /** The thread that it names, or else that of the turn that it names, if that is followed here. */
  readonly threadId: string | undefined;
  /** The turn that it names; by this, and not by `turnId`, it is told from other requests. */
  readonly namedTurnId: string | undefined;
  /** The turn that it names, or else the one that runs on its thread, if that is followed here. */
  turnId: string | undefined;
  readonly itemId: string | undefined;
  /** Whether the stream of its turn shows it. */
  isEvent = false;
  request: UserRequest | undefined;
  deferred = false;
  /** Whether it is still to be found out if it is any business of ours. */
  isUncertain = false;
  /** The connection over which the server has asked last, by number. */
  connection: number;
  readonly #answer = new Deferred<Answer | undefined>();
  /** In which its handler runs, and listens to the signal; undefined for that of the connection. */
  callerContext: CallerContext | undefined;
  /** Set once a handler has the signal. */
  #abort: AbortController | undefined;
  #isOver = false;

  readonly #onOver: (answer: Answer | undefined) => void;

  constructor(
    { id, method, params }: RequestMessage,
    connection: number,
    onOver: (answer: Answer | undefined) => void,
    threadOf: (turnId: string) => string | undefined = () => undefined,
  ) {
    this.#onOver = onOver;
    this.connection = connection;
    this.requestId = id;
    this.method = method;
    this.params = params;
    const { threadId, turnId } = idsIn((params ?? {}) as Fields);
    // The two methods of the first protocol say conversation instead of thread; a newer one may name the
    // turn alone.
    const named = threadId ?? textOf(params, "conversationId");
    this.threadId = named ?? (turnId === undefined ? undefined : threadOf(turnId));
    this.namedTurnId = turnId;
    this.turnId = this.namedTurnId;
    this.itemId = textOf(params, "itemId") ?? textOf(params, "callId");
    const canComeAgain = named !== undefined && turnId !== undefined;
    this.key = requestKey({ id, method, params }, canComeAgain);
  }

  /** Resolves with the answer to send; with nothing when nobody waits for it any more. Never rejects. */
  get answer(): Promise<Answer | undefined> {
    return this.#answer.promise;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  toContext(): RequestContext {
    const { signal } = (this.#abort ??= new AbortController());
    return { ...this.#ids(), signal };
  }

  settle(answer: Answer | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver(answer);
    this.#answer.resolve(answer);
  }

  /** Tells the handler that its answer is of no use any more; settles first, then tells. */
  end(reason: Error, answer?: Answer): void {
    this.settle(answer);
    const abort = (): void => this.#abort?.abort(reason);
    if (this.callerContext) this.callerContext(abort);
    else abort();
  }

  /** The same for what has become of it while the connection lived on. */
  endFor(why: RequestOverReason, answer?: Answer): void {
    this.end(new ServerRequestOverError(this.method, this.requestId, why), answer);
  }

  toPending(): PendingRequest {
    const { request, params, deferred, receivedAt } = this;
    return { ...this.#ids(), request, params, deferred, receivedAt };
  }

  #ids(): Omit<RequestContext, "signal"> {
    const { key, requestId, method, threadId, turnId, itemId } = this;
    return { key, requestId, method, threadId, turnId, itemId };
  }
}
