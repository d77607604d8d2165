import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { allowListeners } from "../async/abort.js";
import { isError } from "../async/realms.js";
import { asObject, type JsonObject } from "./json.js";

/** One request for a model response, with its body read. */
export interface ModelCall {
  readonly body: JsonObject;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the caller has left before the answer ended, and when the server closes. */
  readonly signal: AbortSignal;
}

/** The HTTP side: a server on 127.0.0.1 with one route, `POST …/responses`. */
export class ModelHttp {
  readonly #server: Server;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #answer: (call: ModelCall) => Promise<void>;

  constructor(answer: (call: ModelCall) => Promise<void>) {
    this.#answer = answer;
    this.#server = createServer((message, response) => {
      const run = this.#handle(message, response).finally(() => this.#running.delete(run));
      this.#running.add(run);
    });
    // Each request that streams listens to it, and there may be any number of them.
    allowListeners(this.#closing.signal, 0);
    // A held or hanging stream is idle on purpose.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
  }

  /** Starts to listen, and gives the base URL that a provider's configuration needs. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const { port: actual } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${actual}/v1`;
  }

  /** Cuts what is still streaming. Resolves when no socket is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => {
        resolve();
      }),
    );
    this.#server.closeAllConnections();
    await Promise.all([closed, ...this.#running]);
  }

  async #handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    const leave = () => {
      left.abort();
    };
    // A listener of our own instead of AbortSignal.any(): one for each request, removed with it.
    this.#closing.signal.addEventListener("abort", leave, { once: true });
    response.once("close", () => {
      if (!response.writableFinished) leave();
    });
    response.on("error", leave);
    try {
      const text = await readBody(message);
      if (message.method !== "POST" || !/\/responses(\?|$)/u.test(message.url ?? "")) {
        refuse(response, 404, "The loopback model only answers POST /v1/responses.");
        return;
      }
      const body = parse(text);
      if (body === undefined) refuse(response, 400, "The body is not JSON.");
      else await this.#answer({ body, message, response, signal: left.signal });
    } catch (error) {
      // Of all failures, the server shows the message of this one to its client.
      if (response.headersSent || left.signal.aborted) response.destroy();
      else refuse(response, 400, `The model script failed: ${messageOf(error)}`);
    } finally {
      this.#closing.signal.removeEventListener("abort", leave);
    }
  }
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, problem: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message: problem } }));
}

function messageOf(error: unknown): string {
  return isError(error) ? error.message : "it threw no error";
}
