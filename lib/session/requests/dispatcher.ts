import { isAbortOf } from "../../async/abort.js";
import type { Logger } from "../../async/logger.js";
import { isAppServerError } from "../../errors/base.js";
import type { Callbacks } from "../../errors/callbacks.js";
import { copyError } from "../../errors/connection-errors.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import {
  RequestNotPendingError,
  type RequestOverReason,
} from "../../errors/server-request-errors.js";
import { shownMethod } from "../../errors/without-values.js";
import type { Answer } from "../../jsonrpc/connection.js";
import { encodeResult } from "../../jsonrpc/encoded.js";
import { isContent } from "../../messages/content-fields.js";
import type { NotificationMessage, RequestMessage } from "../../jsonrpc/message.js";
import { fieldOf } from "../../messages/field-of.js";
import { isNotificationName, threadIdOf, turnIdOf } from "../../messages/message-ids.js";
import { isDeferred } from "../../server-requests/request-context.js";
import { FileChanges } from "../../server-requests/file-changes.js";
import { findHandler, isStopping, type HandlerPlaces } from "./find-handler.js";
import type { FoundHandler } from "../../server-requests/handlers-by-method.js";
import type { OpenRequest, PendingRequest } from "../../server-requests/open-request.js";
import { OpenRequests, type RequestIds } from "../../server-requests/open-requests.js";
import { isResultOf, kindOf, refuseRequest } from "../../server-requests/request-kinds.js";
import { ServerRequestTrace } from "../../server-requests/server-request-trace.js";
import { isJsonObject as isObject } from "../../schema/json-schema.js";
import { RequestRecovery } from "./request-recovery.js";
import { isOurs, mayBeOfOthers } from "./shared-server.js";

interface DispatcherOptions extends HandlerPlaces {
  readonly logger: Required<Logger>;
  /** Gets what handlers and tools throw, or reject with. */
  readonly callbacks: Callbacks;
  /** Whether other clients may be connected to the same server, and be asked the same. */
  readonly shared: boolean;
  /** Whether the connection may be replaced by another when it drops. */
  readonly replaceable: boolean;
}

/** How many requests may wait for their answers; what comes then is refused at once. */
const maxOpen = 4_096;

/**
 * Brings each request of the server to its handler, and the handler's answer back: one answer to
 * each request, a refusal when there is nothing better, and none when the server waits no more.
 */
export class RequestDispatcher {
  /** What to tell when the connection drops, and when another one takes its place. */
  readonly recovery: RequestRecovery;
  readonly #options: DispatcherOptions;
  readonly #requests: OpenRequests;
  readonly #changes = new FileChanges();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#requests = new OpenRequests(options.replaceable);
    this.recovery = new RequestRecovery(this.#requests, this.#changes, options.turns);
  }

  /**
   * Resolves with what to send, which may take as long as a person takes; with undefined when there is
   * nothing to send. Never rejects.
   */
  receive(message: RequestMessage): Promise<Answer | undefined> {
    const { turns } = this.#options;
    const arrival = this.#requests.open(message, (turnId) => turns.threadOf(turnId));
    if (arrival.kind === "known") return Promise.resolve(undefined);
    if (arrival.kind === "again") return arrival.answer;
    const { request } = arrival;
    if (this.#requests.size > maxOpen) {
      this.#refuse(request, message, `${maxOpen} others wait for their answers`);
      return request.answer;
    }
    const { method, params, threadId, itemId } = request;
    // One turn runs on a thread at a time. It answers, but what it was not asked for may outlive it.
    if (threadId !== undefined) request.turnId ??= turns.of(threadId)?.latestTurnId;
    if (isObject(params)) {
      const changes = this.#changes.of(threadId, request.turnId, itemId);
      request.request = kindOf(method)?.describe?.(params as never, changes);
    }
    this.#show(request);
    this.#handle(request, message).catch(() => {
      this.#refuse(request, message, "this client failed to find its handler");
    });
    return request.answer;
  }

  /** Learns what puts an end to requests; to be called with every notification, in wire order. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "item/started":
      case "item/fileChange/patchUpdated":
        this.#changes.observeItem(message);
        break;
      case "item/completed":
        this.#changes.observeItem(message);
        this.#callEnded(message);
        break;
      case "serverRequest/resolved":
        this.#resolved(message);
        break;
      case "turn/completed": {
        const threadId = threadIdOf(message);
        const turnId = turnIdOf(message);
        this.#changes.turnEnded(threadId, turnId);
        this.#end("turnEnded", (one) => one.threadId === threadId && one.namedTurnId === turnId);
        break;
      }
      case "thread/status/changed":
        this.#statusChanged(message);
        break;
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted": {
        const threadId = threadIdOf(message);
        this.#changes.threadClosed(threadId);
        this.#end("threadClosed", (one) => one.threadId === threadId);
      }
    }
  }

  pending(): PendingRequest[] {
    const ours = this.#requests.list().filter(({ isUncertain }) => !isUncertain);
    return ours.map((request) => request.toPending());
  }

  /** Whether the server waits for an answer to a request of this turn, or of one of its sub-agents. */
  isAsked(threadId: string, turnId: string): boolean {
    const { subagents } = this.#options;
    return this.pending().some((request) => {
      if (request.threadId === threadId) return request.turnId === turnId;
      return request.threadId !== undefined && subagents.isBelow(request.threadId, threadId);
    });
  }

  /**
   * @throws RequestNotPendingError; InvalidArgumentError when it is no answer to this request, which
   * then stays open.
   */
  respond(id: string | number, answer: unknown): void {
    if (this.#options.replaceable && typeof id !== "string") {
      throw new InvalidArgumentError(
        "request",
        "must be the key of the request, not its requestId",
      );
    }
    const request = this.#requests.get(id);
    if (!request || request.isUncertain) throw new RequestNotPendingError(id);
    const { method, params } = request;
    // What a typed handler would return, or the result as it is on the wire.
    const typed = isObject(params) ? kindOf(method)?.toResult(answer, params) : undefined;
    const result = [typed, answer].find((each) => isResultOf(method, each));
    if (result === undefined) {
      throw new InvalidArgumentError("answer", `must be an answer to ${method}`);
    }
    request.endFor("answered", { result: encodeResult(method, result, isContent) });
  }

  /** The connection is over; each handler's signal gets a `reason` of its own. */
  close(reason: Error): void {
    for (const request of this.#requests.list()) request.end(copyError(reason));
  }

  /** The turn's stream shows it where it stood on the wire, before anybody can answer it. */
  #show(request: OpenRequest): void {
    const { method, params, key, requestId, threadId, turnId, namedTurnId } = request;
    if (threadId === undefined || turnId === undefined) return;
    // The types of a turn's events list no others, but for methods that are newer than these.
    const mayNameTurn = isObject(params) && Object.hasOwn(params, "turnId");
    if ((!mayNameTurn && namedTurnId === undefined) || isNotificationName(method)) return;
    request.isEvent = true;
    const event = { method, key, requestId, params };
    this.#options.turns.deliver(threadId, turnId, event);
  }

  async #handle(request: OpenRequest, message: RequestMessage): Promise<void> {
    const { logger, shared, threads } = this.#options;
    const { method } = message;
    const wasStopping = isStopping(request, this.#options);
    request.isUncertain = shared;
    if (shared && !(await isOurs(request, this.#options))) {
      logger.debug(`${shownMethod(method)} was left to the other clients of the server.`);
      this.#requests.forget(request);
      return;
    }
    request.isUncertain = false;
    // Whoever opens the thread may have handlers for it.
    const opening = threads.find(request.threadId ?? "")?.opening;
    if (opening) await opening;
    const { handler, context } = await findHandler(request, this.#options);
    request.callerContext = context;
    const carryOut = () => this.#carryOut(request, message, { handler, wasStopping });
    const begin = () => this.#begin(request, carryOut);
    await (context ? context(begin) : begin());
  }

  /** Has the handler answer, if there is one. What goes wrong is a refusal. */
  async #carryOut(
    request: OpenRequest,
    message: RequestMessage,
    { handler, wasStopping }: { handler: FoundHandler | undefined; wasStopping: boolean },
  ): Promise<void> {
    const { logger, shared } = this.#options;
    const { method } = message;
    const refuse = (why: string): void => {
      this.#refuse(request, message, why);
    };
    // A tool that was called before the stop is aborted when the server says so; what it did is done.
    const isCall = method === "item/tool/call";
    const isUnwanted = () => wasStopping || (!isCall && isStopping(request, this.#options));
    if (request.isOver()) return;
    if (isUnwanted()) {
      refuse(stopping);
      return;
    }
    if (!handler) {
      if (shared && mayBeOfOthers(request, this.#options)) request.deferred = true;
      else refuse(`nobody handles it (${kindOf(method)?.option ?? "handlers"})`);
      return;
    }
    const about = request.toContext();
    const failed = (error: unknown): void => {
      // One that gives up because its signal has aborted does as it should.
      if (isAbortOf(about.signal, error)) return;
      const { threadId, turnId } = request;
      this.#options.callbacks.failed(error, { where: handler.kind, method, threadId, turnId });
    };
    try {
      const answer = await handler.call(about, failed);
      if (isDeferred(answer)) {
        request.deferred = true;
      } else if (request.isOver()) {
        logger.warn(`An answer to ${shownMethod(method)} came too late.`);
      } else if (isUnwanted()) {
        refuse(stopping);
      } else {
        const result = handler.toResult(answer);
        if (isResultOf(method, result))
          request.settle({ result: encodeResult(method, result, isContent) });
        else refuse("its handler returned something else than it should");
      }
    } catch (error) {
      failed(error);
      if (request.isOver()) return;
      request.failure = { error };
      // Of the errors of a handler only our own are known to hold no values.
      const isOurs = isAppServerError(error) && error.code === "INVALID_ARGUMENT";
      const why = isOurs ? `: ${error.message}` : "";
      refuse(`its handler failed${why}`);
    }
  }

  /** Carries it out in the context that subscribers of its tracing channel give it. */
  #begin<Result>(request: OpenRequest, run: () => Result): Result {
    const { threadId, turnId } = request;
    const turnOf = () => {
      if (threadId === undefined || turnId === undefined) return undefined;
      const followers = this.#options.turns.followersOf(threadId, turnId);
      return followers.find(({ operation }) => operation)?.operation;
    };
    return ServerRequestTrace.begin(request, turnOf, run);
  }

  #refuse(request: OpenRequest, message: RequestMessage, why: string): void {
    // One that was not carried out at all has not been shown yet.
    if (!request.trace) this.#begin(request, () => undefined);
    request.isRefused = true;
    this.#options.logger.warn(`${shownMethod(message.method)} was refused: ${why}.`);
    request.settle(refuseRequest(message.method));
  }

  /** The status also comes of threads that this connection has let go of, unlike the turn's end. */
  #statusChanged(message: NotificationMessage): void {
    if (this.#requests.isIdle) return;
    const status = fieldOf(message.params, "status", "type");
    if (status !== "idle" && status !== "notLoaded") return;
    const threadId = threadIdOf(message);
    this.#end("turnEnded", (one) => one.threadId === threadId && one.namedTurnId !== undefined);
  }

  #callEnded(message: NotificationMessage): void {
    if (this.#requests.isIdle) return;
    if (fieldOf(message.params, "item", "type") !== "dynamicToolCall") return;
    const itemId = fieldOf(message.params, "item", "id");
    const threadId = threadIdOf(message);
    const turnId = turnIdOf(message);
    this.#end(
      "callEnded",
      (one) =>
        one.method === "item/tool/call" &&
        one.threadId === threadId &&
        one.turnId === turnId &&
        one.itemId === itemId,
    );
  }

  #resolved(message: NotificationMessage): void {
    const requestId = fieldOf(message.params, "requestId");
    if (typeof requestId !== "string" && typeof requestId !== "number") return;
    const subject = this.#requests.subjectOf(requestId);
    const threadId = threadIdOf(message);
    // Another process may have used the id for something else.
    if (threadId !== undefined && subject && subject.threadId !== threadId) return;
    this.#end("resolved", (one) => one.requestId === requestId);
    if (!subject?.isEvent) return;
    // It names no turn, so the routes would not know whose event it is.
    if (subject.threadId === undefined || subject.turnId === undefined) return;
    this.#options.turns.deliver(subject.threadId, subject.turnId, message);
  }

  #end(why: RequestOverReason, applies: (request: RequestIds) => boolean): void {
    if (this.#requests.isIdle) return;
    this.#requests.forgetAnswers(applies);
    for (const request of this.#requests.list()) {
      if (applies(request)) request.endFor(why);
    }
  }
}

const stopping = "its turn is being stopped";
