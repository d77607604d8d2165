import type { IncomingMessage } from "node:http";

/** A request as a web server gets it: fetch's `Request`, or that of Node, Express, or Fastify's `raw`. */
export type AnyRequest = Request | IncomingMessage;

/** What is read of a request, wherever it comes from. */
export interface HttpRequest {
  readonly method: string;
  /** The URL; under Node, its path and query alone. */
  readonly url: string;
  /** The request as it was given: the session or the user that your framework has attached is there. */
  readonly raw: AnyRequest;
  /** A header, whatever the case of its name; `null` when it is not there. */
  readonly header: (name: string) => string | null;
}

/** Sees both kinds of requests as one. */
export function toHttpRequest(raw: AnyRequest): HttpRequest {
  const { method = "GET", url = "/" } = raw;
  if (isFetchRequest(raw)) return { method, url, raw, header: (name) => raw.headers.get(name) };
  const header = (name: string): string | null => {
    const value = raw.headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : (value ?? null);
  };
  return { method, url, raw, header };
}

/** By what it does: a server may bring a `Request` class of its own. */
export function isFetchRequest(raw: AnyRequest): raw is Request {
  return typeof (raw.headers as Partial<Headers>).get === "function";
}
