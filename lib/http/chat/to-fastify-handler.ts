import type { ServerResponse } from "node:http";
import type { FastifyRequestLike } from "../requests/http-request.js";
import { serve, type FetchHandler, type NodeHandlerOptions } from "./to-node-handler.js";

/** What is needed of a reply of Fastify. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Readonly<Record<string, number | string | string[] | undefined>>;
}

/**
 * Makes of a fetch handler one for a route of Fastify: `app.all("/api/*", toFastifyHandler(chat))`. The body is what
 * Fastify's content parser has read, within the route's `bodyLimit` (default 1 MiB). The reply is hijacked, so hooks
 * that change what is sent, such as compression, leave it alone; headers that earlier hooks have set are sent.
 *
 * It resolves when the response is over. A handler that throws is a problem of status 500, and `onError` is told.
 */
export function toFastifyHandler(
  handler: FetchHandler,
  options: NodeHandlerOptions = {},
): (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<void> {
  return async (request, reply) => {
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    const { raw: incoming, body: parsed } = request;
    await serve(handler, { given: request, incoming, parsed }, reply.raw, options);
  };
}
