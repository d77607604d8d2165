import type { IncomingHttpHeaders, IncomingMessage } from "node:http";

/** A request as a web server gets it: fetch's `Request`, or that of Node, Express, or Fastify's `raw`. */
export type AnyRequest = Request | IncomingMessage;

/** What is needed of a request of Fastify: the one that its handlers get. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
  /** What a content parser has made of the body. */
  readonly body?: unknown;
}

/** What is read of a request, wherever it comes from. */
export interface HttpRequest {
  readonly method: string;
  /** The URL; under Node, its path and query alone. */
  readonly url: string;
  /**
   * The request as your framework gave it, also behind `toNodeHandler()` and `toFastifyHandler()`: the session or
   * the user that it has attached is there, as in `(request.raw as express.Request).session`.
   */
  readonly raw: AnyRequest | FastifyRequestLike;
  /** A header, whatever the case of its name; `null` when it is not there. */
  readonly header: (name: string) => string | null;
}

/** The requests of a framework that fetch requests were made of. */
const givenRequests = new WeakMap<Request, IncomingMessage | FastifyRequestLike>();

/** Remembers of which request of a framework this one was made. */
export function madeOf(request: Request, given: IncomingMessage | FastifyRequestLike): Request {
  givenRequests.set(request, given);
  return request;
}

/** Sees both kinds of requests as one. */
export function toHttpRequest(raw: AnyRequest): HttpRequest {
  const { method = "GET", url = "/" } = raw;
  if (isFetchRequest(raw)) {
    const header = (name: string): string | null => raw.headers.get(name);
    return { method, url, raw: givenRequests.get(raw) ?? raw, header };
  }
  const header = (given: string): string | null => {
    const name = given.toLowerCase();
    const value = name === "host" ? hostOf(raw.headers) : raw.headers[name];
    return Array.isArray(value) ? value.join(", ") : (value ?? null);
  };
  return { method, url, raw, header };
}

/** The host that a request goes to. Over HTTP/2, browsers send no `Host`, but this. */
export function hostOf(headers: IncomingHttpHeaders): string | undefined {
  const authority = headers[":authority"];
  return headers.host ?? (typeof authority === "string" ? authority : undefined);
}

/** By what it does: a server may bring a `Request` class of its own. */
export function isFetchRequest(raw: AnyRequest): raw is Request {
  return typeof (raw.headers as Partial<Headers>).get === "function";
}
