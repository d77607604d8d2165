import type { IncomingMessage, ServerResponse } from "node:http";
import { writeProblem } from "../problems.js";
import { writeStream } from "../sse/write-stream.js";
import { MethodNotAllowedError } from "../web-errors.js";

/**
 * Makes of a fetch handler one for Node, Express (`app.use(toNodeHandler(chat))`) and Fastify
 * (`reply.hijack(); await handle(request.raw, reply.raw)`). The request's signal aborts when the client has gone; a
 * response that streams is written no faster than the client reads.
 *
 * It resolves when the response is over. A handler that throws is a problem of status 500, and `onError` is told.
 */
export function toNodeHandler(
  handler: (request: Request) => Response | Promise<Response>,
  { onError = () => undefined }: { readonly onError?: (error: unknown) => void } = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    const leave = (): void => {
      gone.abort();
    };
    outgoing.on("close", leave);
    const { body, drop } = bodyOf(incoming);
    try {
      // Fetch does not know these, and would throw.
      if (["CONNECT", "TRACE", "TRACK"].includes(incoming.method ?? "")) {
        writeProblem(outgoing, new MethodNotAllowedError(["GET", "HEAD", "POST", "OPTIONS"]));
        return;
      }
      const response = await handler(toRequest(incoming, body, gone.signal));
      if (outgoing.destroyed) await response.body?.cancel();
      else await send(response, outgoing, gone.signal);
    } catch (error) {
      onError(error);
      writeProblem(outgoing, error);
    } finally {
      outgoing.off("close", leave);
      drop().catch(() => undefined);
    }
  };
}

/** What Express adds to a request: the path before it was mounted, and a body that was read already. */
interface ExpressRequest {
  readonly originalUrl?: string;
  readonly body?: unknown;
}

function toRequest(
  incoming: IncomingMessage & ExpressRequest,
  body: ReadableStream<Uint8Array> | string,
  signal: AbortSignal,
): Request {
  const { method = "GET", rawHeaders, headers } = incoming;
  const pairs = rawHeaders.flatMap((name, index): [string, string][] =>
    // HTTP/2 has pseudo headers.
    index % 2 === 1 || name.startsWith(":") ? [] : [[name, rawHeaders[index + 1] ?? ""]],
  );
  const path = incoming.originalUrl ?? incoming.url ?? "/";
  // Whatever it says, it must not lead anywhere: only the path is looked at.
  const url = new URL(path.startsWith("/") ? `http://localhost${path}` : "http://localhost/");
  const host = headers.host ?? "localhost";
  if (URL.canParse(`http://${host}`)) url.host = host;
  const isEmpty = method === "GET" || method === "HEAD";
  const init = { method, headers: pairs, signal };
  if (isEmpty) return new Request(url, init);
  return new Request(url, { ...init, body, duplex: "half" });
}

/** The body of a request, and what lets go of it, however much of it was read. */
function bodyOf(incoming: IncomingMessage & ExpressRequest) {
  if (incoming.readableEnded && incoming.body !== undefined) {
    return { body: JSON.stringify(incoming.body), drop: () => Promise.resolve() };
  }
  const chunks = incoming.iterator({ destroyOnReturn: false });
  // The response goes over the same connection, and so does the next request: the rest is read, and thrown away.
  const drop = async (): Promise<void> => {
    await chunks.return?.();
    incoming.resume();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
        if (step.done) controller.close();
        else controller.enqueue(step.value);
      },
      cancel: drop,
    },
    { highWaterMark: 0 },
  );
  return { body, drop };
}

async function send(
  response: Response,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const cookies = response.headers.getSetCookie();
  const headers: Record<string, string | string[]> = Object.fromEntries(response.headers);
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  outgoing.writeHead(response.status, headers);
  if (response.body) await writeStream(chunksOf(response.body, signal), outgoing);
  else outgoing.end();
}

async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const reader = body.getReader();
  const cancel = (): void => {
    reader.cancel().catch(() => undefined);
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}
