import { AppServerClient } from "../../lib/client.js";
import type { ConnectionSettings } from "../../lib/options/options.js";
import type { Thread } from "../../lib/thread.js";
import { InProcessLink, type CrashOptions } from "../../lib/testing/server/in-process.js";
import { ResponseError, toLine, type ReceivedMessage } from "../../lib/testing/server/message.js";
import { MessageServer, noAnswer } from "../../lib/testing/server/message-server.js";
import type { Transport } from "../../lib/transport/transport.js";
import {
  opened,
  turnMessages,
  turnRecord,
  type Message,
  type Params,
  type TurnScript,
} from "./turn-messages.js";

/** A request that the client has sent. */
export interface ClientRequest {
  readonly id: number | string;
  readonly method: string;
  readonly params: Params;
  /** What came beside the params, if anything did. */
  readonly trace?: unknown;
}

/** Answers a request: returns the result, throws an ResponseError, or returns `later` to do it by hand. */
export type Handler = (params: Params, request: ClientRequest) => unknown;

/** What a handler returns when the test answers with `respond` or `refuse`. */
export const later = Symbol("later");

/** What a handler throws to answer with an error. */
export { ResponseError as ResponseError };

interface LinkedPair extends AsyncDisposable {
  readonly client: AppServerClient;
  readonly server: LinkedServer;
}

/** A client and a fake server in one process, after the handshake. Dispose of it to close both. */
export async function linked(options: ConnectionSettings = {}): Promise<LinkedPair> {
  const server = new LinkedServer();
  const client = await AppServerClient.attach(server.transport, options);
  return { client, server, [Symbol.asyncDispose]: () => client.close() };
}

/** The same with a thread, `"thread-1"`, that the client has started. */
export async function linkedThread(
  options: ConnectionSettings = {},
): Promise<LinkedPair & { readonly thread: Thread }> {
  const pair = await linked(options);
  return { ...pair, thread: await pair.client.startThread() };
}

/** The server's end of the pair: answers requests like a server that has nothing to say. */
export class LinkedServer {
  /** Every request so far, the handshake included. */
  readonly requests: ClientRequest[] = [];
  /** The client's answers to requests of the server, in the order in which they came. */
  readonly answers: Params[] = [];
  readonly #server = new MessageServer();
  readonly #link = new InProcessLink(this.#server);
  readonly #unseen = new Map<string, ClientRequest[]>();
  readonly #waiting = new Map<string, ((request: ClientRequest) => void)[]>();
  readonly #handlers = new Map<string, Handler>(Object.entries(this.#defaultHandlers()));
  #turns = 0;
  #threads = 0;

  constructor() {
    this.#server.onReceived = (message) => {
      this.#note(message);
    };
    // Answered in a microtask: whoever waits for a request runs before its answer is sent.
    this.#server.on("*", async (_, { id, method, params, trace }) => {
      if (id === undefined || method === undefined) return noAnswer;
      const request = toRequest({ id, method, params, trace });
      const result = await this.handler(method)(request.params, request);
      return result === later ? noAnswer : result;
    });
  }

  get transport(): Transport {
    return this.#link.transport;
  }

  handle(method: string, handler: Handler): void {
    this.#handlers.set(method, handler);
  }

  /** What answers the requests of this method. */
  handler(method: string): Handler {
    return this.#handlers.get(method) ?? (() => ({}));
  }

  /** The next request of this method that no other call of this function has returned. */
  nextRequest(method: string): Promise<ClientRequest> {
    const request = this.#unseen.get(method)?.shift();
    if (request) return Promise.resolve(request);
    return new Promise((resolve) => {
      this.#waiting.set(method, [...(this.#waiting.get(method) ?? []), resolve]);
    });
  }

  /** The params of every request of this method so far. */
  paramsOf(method: string): Params[] {
    return this.requests.filter((one) => one.method === method).map(({ params }) => params);
  }

  respond(request: ClientRequest, result: unknown): void {
    this.send(answer(request, result));
  }

  refuse(request: ClientRequest, code: number, message: string, data?: unknown): void {
    this.send({
      id: request.id,
      error: { code, message, ...(data === undefined ? {} : { data }) },
    });
  }

  notify(method: string, params: Params): void {
    this.send({ method, params });
  }

  /** Sends each message in a chunk of its own. */
  send(...messages: readonly Message[]): void {
    for (const message of messages) this.#link.write(toLine(message));
  }

  /** Sends all messages in one chunk. */
  sendTogether(messages: readonly Message[]): void {
    this.#link.write(messages.map(toLine).join(""));
  }

  /** Everything that the server sends about a normal turn. */
  turn(options: TurnScript): void {
    this.send(...turnMessages(options));
  }

  /** The process is gone; what was sent before still arrives. */
  crash(end: CrashOptions = {}): void {
    this.#link.crash(end);
  }

  #note(message: ReceivedMessage): void {
    const { id, method, params, trace } = message;
    if (id !== undefined && method === undefined) this.answers.push({ ...message });
    if (id === undefined || method === undefined) return;
    const request = toRequest({ id, method, params, trace });
    this.requests.push(request);
    const waiter = this.#waiting.get(method)?.shift();
    if (waiter) waiter(request);
    else this.#unseen.set(method, [...(this.#unseen.get(method) ?? []), request]);
  }

  #defaultHandlers(): Record<string, Handler> {
    return {
      initialize: () => ({
        userAgent: "codex-app-server-sdk/0.169.0 (Linux; x86_64)",
        codexHome: "/home/user/.codex",
        platformFamily: "unix",
        platformOs: "linux",
      }),
      "thread/start": () => opened(`thread-${(this.#threads += 1)}`),
      "thread/resume": ({ threadId }) => opened(threadId as string),
      "turn/start": () => ({ turn: turnRecord(`turn-${(this.#turns += 1)}`) }),
    };
  }
}

function toRequest({ id, method, params = {}, trace }: ReceivedMessage): ClientRequest {
  const known = { id, method, params } as ClientRequest;
  return trace === undefined ? known : { ...known, trace };
}

export function answer(request: ClientRequest, result: unknown): Message {
  return { id: request.id, result };
}

/** The methods of all requests, in order, but for what is asked before each `thread/resume`. */
export function methodsSent(server: LinkedServer): string[] {
  return server.requests.filter(isNoLoadQuestion).map(({ method }) => method);
}

/** What is asked before each `thread/resume`: whether the server will start a turn then. */
export function isNoLoadQuestion({ method }: ClientRequest): boolean {
  return method !== "thread/queue/list" && method !== "thread/goal/get";
}

/** The texts of the turns that were sent, in order. */
export function textsSent(server: LinkedServer): string[] {
  return server.paramsOf("turn/start").map(({ input }) => (input as [{ text: string }])[0].text);
}
