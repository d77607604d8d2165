import type { IncomingMessage, ServerResponse } from "node:http";
import { writeProblem } from "../problems.js";
import { hostOf, madeOf, type FastifyRequestLike } from "../requests/http-request.js";
import { writeStream } from "../sse/write-stream.js";
import { MethodNotAllowedError } from "../web-errors.js";

export interface NodeHandlerOptions {
  /** Gets what the handler throws (default: it is dropped). */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A handler of the form of fetch: `Request → Response`. */
export type FetchHandler = (request: Request) => Response | Promise<Response>;

/**
 * Makes of a fetch handler one for Node and Express: `app.use(toNodeHandler(chat))`. The request's signal aborts when
 * the client has gone; a response that streams is written no faster than the client reads. A body that a parser has
 * read, such as `express.json()`, is taken from `request.body`.
 *
 * It resolves when the response is over. A handler that throws is a problem of status 500, and `onError` is told.
 */
export function toNodeHandler(
  handler: FetchHandler,
  options: NodeHandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming: IncomingMessage & { readonly body?: unknown }, outgoing) => {
    await serve(handler, { given: incoming, incoming, parsed: incoming.body }, outgoing, options);
  };
}

/** A request of Node, and what a framework has made of it. */
export interface GivenRequest {
  /** As the framework shows it to its users. */
  readonly given: IncomingMessage | FastifyRequestLike;
  /** Express keeps the path from before it was mounted. */
  readonly incoming: IncomingMessage & { readonly originalUrl?: string };
  /** The body, if a parser has read it. */
  readonly parsed: unknown;
}

/** Has the handler answer. Never rejects. */
export async function serve(
  handler: FetchHandler,
  { given, incoming, parsed }: GivenRequest,
  outgoing: ServerResponse,
  { onError = () => undefined }: NodeHandlerOptions,
): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => {
    gone.abort();
  };
  outgoing.on("close", leave);
  let drop = (): Promise<void> => Promise.resolve();
  try {
    const body = bodyOf(incoming, parsed);
    drop = body.drop;
    // Fetch does not know these, and would throw.
    if (["CONNECT", "TRACE", "TRACK"].includes(incoming.method ?? "")) {
      writeProblem(outgoing, new MethodNotAllowedError(["GET", "HEAD", "POST", "OPTIONS"]));
      return;
    }
    const request = madeOf(toRequest(incoming, body.body, gone.signal), given);
    const response = await handler(request);
    if (outgoing.destroyed) await response.body?.cancel();
    else await send(response, outgoing, gone.signal);
  } catch (error) {
    onError(error);
    writeProblem(outgoing, error);
  } finally {
    outgoing.off("close", leave);
    drop().catch(() => undefined);
  }
}

function toRequest(
  incoming: GivenRequest["incoming"],
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | string,
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
  const host = hostOf(headers) ?? "localhost";
  if (URL.canParse(`http://${host}`)) url.host = host;
  const isEmpty = method === "GET" || method === "HEAD";
  const init = { method, headers: pairs, signal };
  if (isEmpty) return new Request(url, init);
  return new Request(url, { ...init, body, duplex: "half" });
}

/** The body of a request, and what lets go of it, however much of it was read. */
function bodyOf(incoming: IncomingMessage, parsed: unknown) {
  if (incoming.readableEnded && parsed !== undefined) {
    return { body: asBody(parsed), drop: () => Promise.resolve() };
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

/** Parsers of text and of bytes leave what was sent as it is; others have read JSON. */
function asBody(parsed: unknown): string | Uint8Array<ArrayBuffer> {
  if (typeof parsed === "string") return parsed;
  return parsed instanceof Uint8Array ? new Uint8Array(parsed) : JSON.stringify(parsed);
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
