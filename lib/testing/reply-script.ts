import type { ModelRequest } from "./inspect-request.js";
import { text } from "./replies/text.js";
import type { Reply } from "./replies/reply.js";

/** Chooses a reply by looking at the request. `undefined` leaves it to the default reply. */
export type ReplyHandler = (
  request: ModelRequest,
) => Reply | undefined | Promise<Reply | undefined>;

/**
 * The requests that replies are meant for: those of one thread, by its id, or those that a test picks.
 */
export type RequestMatch = string | ((request: ModelRequest) => boolean);

interface Route {
  readonly match: RequestMatch;
  readonly replies: Reply[];
}

const defaultReply = text("Hello from the loopback model.");

/** What the model will say: reserved replies first, then the common queue, the handler, the default. */
export class ReplyScript {
  readonly #routes: Route[] = [];
  readonly #queue: Reply[] = [];
  #handler: ReplyHandler | undefined;

  enqueue(replies: readonly Reply[]): void {
    this.#queue.push(...replies);
  }

  enqueueFor(match: RequestMatch, replies: readonly Reply[]): void {
    this.#routes.push({ match, replies: [...replies] });
  }

  respond(handler: ReplyHandler | undefined): void {
    this.#handler = handler;
  }

  get waiting(): number {
    return this.#routes.reduce((sum, route) => sum + route.replies.length, this.#queue.length);
  }

  async next(request: ModelRequest): Promise<Reply> {
    const route = this.#routes.find(
      ({ match, replies }) => replies.length > 0 && matches(match, request),
    );
    const scripted = route?.replies.shift() ?? this.#queue.shift();
    return scripted ?? (await this.#handler?.(request)) ?? defaultReply;
  }
}

function matches(match: RequestMatch, request: ModelRequest): boolean {
  return typeof match === "string" ? request.threadId === match : match(request);
}
