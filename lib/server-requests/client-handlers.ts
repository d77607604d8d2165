import type { ServerRequests } from "../../generated/methods.js";
import { callerContext, type CallerContext } from "../async/caller-context.js";
import { callback, check, text } from "../errors/check-values.js";
import type { ClientRequestHandlers, RawHandler } from "./handlers.js";
import type { Answering, RequestContext } from "./request-context.js";

/** A handler of any method, also of one that this library does not know. */
export type HandlerOf<M extends string> = M extends keyof ServerRequests
  ? RawHandler<M>
  : (params: unknown, context: RequestContext) => Answering<unknown>;

/** A handler as it is kept, whatever its method. */
export type AnyRawHandler = (params: never, context: RequestContext) => unknown;

interface AddedHandler {
  readonly handler: AnyRawHandler;
  readonly context: CallerContext;
}

/** The widest scope: what was given with the options, and by `handle()` since. */
export class ClientHandlers {
  readonly handlers: ClientRequestHandlers;
  readonly context = callerContext();
  readonly #added = new Map<string, AddedHandler[]>();

  constructor(handlers: ClientRequestHandlers = {}) {
    this.handlers = handlers;
  }

  /** The latest handler goes first; returns what takes it away again. */
  handle(method: string, handler: AnyRawHandler): () => void {
    check("method", method, { ...text, problem: "must be the name of a server request" });
    check("handler", handler, callback);
    // Each call has a place of its own, also when it brings a function that is there already.
    const own = { handler, context: callerContext() };
    this.#added.set(method, [...(this.#added.get(method) ?? []), own]);
    return () => {
      const rest = (this.#added.get(method) ?? []).filter((other) => other !== own);
      if (rest.length > 0) this.#added.set(method, rest);
      else this.#added.delete(method);
    };
  }

  added(method: string): AddedHandler | undefined {
    return this.#added.get(method)?.at(-1);
  }

  /** Whether the server may ask for attestation: it is told so once, when the connection begins. */
  get canAttest(): boolean {
    const method = "attestation/generate";
    const { onAttestation, handlers } = this.handlers;
    return Boolean(onAttestation ?? handlers?.[method] ?? this.added(method));
  }
}
