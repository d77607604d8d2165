import { ModelClosedError } from "../errors/model-closed-error.js";
import { inspectRequest, type ModelRequest } from "./inspect-request.js";
import { ModelHttp, type ModelCall } from "./model-http.js";
import type { Reply } from "./replies/reply.js";
import { ReplyScript, type ReplyHandler, type RequestMatch } from "./reply-script.js";
import { RequestLog, type NextRequestOptions } from "./request-log.js";
import { sendReply } from "./send-reply.js";

export interface LoopbackModelOptions {
  /** Port to listen on, at 127.0.0.1. Default: 0, any free port. */
  readonly port?: number;
  /** As `respond()`. */
  readonly respond?: ReplyHandler;
}

/**
 * A scripted model on the loopback, for tests without a network. The real app-server talks to it as it
 * would to the Responses API.
 *
 * The first of these that has a reply answers a request:
 * 1. replies of `enqueueFor()` whose match fits,
 * 2. replies of `enqueue()`, in order, for whichever thread asks,
 * 3. the handler of `respond()`,
 * 4. a short streamed text: "Hello from the loopback model."
 */
export interface LoopbackModel extends AsyncDisposable {
  /** Base URL for a provider's configuration, such as `"http://127.0.0.1:40123/v1"`. */
  readonly url: string;
  /** Every request so far, oldest first. */
  readonly requests: readonly ModelRequest[];
  /** The number of scripted replies that are left. */
  readonly repliesLeft: number;
  /** Adds replies, one for each coming request. An array is one reply with several parts. */
  enqueue(...replies: Reply[]): void;
  /**
   * Adds replies for some requests only: those of one thread, by its id, or those that a function
   * picks. Use it where the order of requests is not certain: parallel threads and sub-agents.
   */
  enqueueFor(match: RequestMatch, ...replies: Reply[]): void;
  /**
   * Sets the function that answers when no scripted reply is left; `undefined` removes it. When the
   * handler throws, the request fails with HTTP 400 and the error's message, so the turn fails with it.
   */
  respond(handler: ReplyHandler | undefined): void;
  /**
   * Resolves with the next request, past or future: each request is given out once, oldest first.
   * Rejects with the signal's reason when aborted, and with a ModelClosedError when the model closes
   * first.
   */
  nextRequest(options?: NextRequestOptions): Promise<ModelRequest>;
  /**
   * Cuts what still streams, frees the port and removes the directories that `configFor()` made.
   * Close the client before the model. Calling it again gives the same promise.
   */
  close(): Promise<void>;
  /** Runs when the model closes, after its port is freed. Throws when it is closed already. */
  onClose(cleanup: () => Promise<void>): void;
}

/** Starts a scripted model server on 127.0.0.1. Rejects when the port is taken. */
export async function startLoopbackModel(
  options: LoopbackModelOptions = {},
): Promise<LoopbackModel> {
  const script = new ReplyScript();
  const log = new RequestLog();
  const cleanups: (() => Promise<void>)[] = [];
  let lastId = 0;
  const makeId = (prefix: string) => `${prefix}_${++lastId}`;
  script.respond(options.respond);

  const server = new ModelHttp(async ({ body, message, response, signal }: ModelCall) => {
    const request = inspectRequest(body, message.headers, signal);
    // Chosen before the log tells anyone, so that a test which waits for the request cannot change it.
    const reply = script.next(request);
    log.add(request);
    await sendReply(response, reply, makeId, signal);
  });
  const url = await server.listen(options.port ?? 0);

  let closing: Promise<void> | undefined;
  const close = async () => {
    log.close();
    await server.close();
    await Promise.all(cleanups.map((cleanup) => cleanup()));
  };

  return {
    url,
    requests: log.all,
    get repliesLeft() {
      return script.waiting;
    },
    enqueue: (...replies) => {
      script.enqueue(replies);
    },
    enqueueFor: (match, ...replies) => {
      script.enqueueFor(match, replies);
    },
    respond: (handler) => {
      script.respond(handler);
    },
    nextRequest: (next) => log.next(next),
    onClose: (cleanup) => {
      if (closing) throw new ModelClosedError();
      cleanups.push(cleanup);
    },
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}
