import type { ServerNotifications, ServerRequests } from "../../../generated/methods.js";
import type {
  ClientRequestMethod,
  ParamsOf,
  ResultOf,
  ServerNotificationMethod,
  ServerRequestMethod,
} from "../../protocol.js";
import type { Transport } from "../../transport/transport.js";
import { InProcessLink, type CrashOptions } from "../server/in-process.js";
import { listen, type Listener, type ListenOptions } from "../server/listen.js";
import { ResponseError, type ReceivedMessage, type ReceivedRequest } from "../server/message.js";
import { MessageServer } from "../server/message-server.js";
import { serveStdio } from "../server/serve-stdio.js";
import type { Script } from "../server/script.js";
import { FakeThread } from "./fake-thread.js";
import { FakeTurns } from "./fake-turns.js";
import type { TurnScript } from "./fake-turn.js";
import { newSettings, newThread } from "./records.js";
import { standardAnswers } from "./standard-answers.js";

export interface FakeAppServerOptions {
  /** The release that the server says it is (default: that which this package is made for). */
  readonly version?: string;
  /** More behaviour, as data: see `Script`. It goes before the standard one. */
  readonly script?: Script;
}

/** A request, and the answer that it would have had. */
export interface HandledRequest<M extends ClientRequestMethod> extends ReceivedRequest {
  readonly passthrough: () => ResultOf<M>;
}

/** A turn as a text that it answers, or as what it does. */
export type TurnBehaviour = string | TurnScript;

/**
 * An app-server without a binary, for tests: it does what the test says, in this process or on a socket.
 * `new Codex({ server })` and `AppServerClient.connect(server)` use it. Without a word it shakes hands,
 * starts threads and answers each turn with a short text; every message that it sends is as complete as
 * the real server's.
 *
 * ```ts
 * const server = new FakeAppServer();
 * server.onTurn((turn) => turn.command("ls", { output: "a.txt\n" }).reply("One file."));
 * await using codex = new Codex({ server });
 * ```
 */
export class FakeAppServer implements AsyncDisposable {
  readonly #server = new MessageServer();
  readonly #turns = new FakeTurns();
  readonly #threads = new Map<string, FakeThread>();
  readonly #received: ReceivedMessage[] = [];
  readonly #links = new Set<InProcessLink>();
  readonly #listeners: Listener[] = [];
  readonly #unseen: ReceivedRequest[] = [];
  #waiting: { readonly method: string; readonly give: (request: ReceivedRequest) => void }[] = [];
  #lastNumber = 0;

  constructor({ version, script }: FakeAppServerOptions = {}) {
    this.#server.onReceived = (message) => {
      this.#note(message);
    };
    this.#server.onDisconnected = (connection) => {
      if (connection.outlet.isProcess) this.#turns.lost(connection);
      for (const thread of this.#threads.values()) thread.subscribers.delete(connection);
    };
    const nextId = (kind: string): string => `${kind}-${this.#nextNumber()}`;
    const answers = standardAnswers(this.#threads, this.#turns, { version, nextId });
    for (const [method, answer] of Object.entries(answers)) {
      const handle = answer as (params: unknown, connection: unknown) => unknown;
      this.#server.on(method, (params, _, connection) => handle(params ?? {}, connection));
    }
    this.#server.on("turn/start", (params, _, connection) => {
      const start = params as ParamsOf<"turn/start">;
      const thread = this.#threads.get(start.threadId);
      if (!thread) throw new ResponseError(-32_600, `thread not found: ${start.threadId}`);
      thread.subscribe(connection);
      return this.#turns.start(nextId("turn"), start, {
        thread,
        nextNumber: () => this.#nextNumber(),
        crash: () => {
          this.crash();
        },
      });
    });
    this.onUnhandledRequest(({ method }) => {
      const advice = `server.onRequest("${method}", …) gives it one`;
      throw new ResponseError(-32_601, `The fake server has no answer to ${method}: ${advice}.`);
    });
    if (script) this.#server.follow(script);
  }

  /** Every message of the client so far, oldest first: requests, notifications and answers. */
  get received(): readonly ReceivedMessage[] {
    return this.#received;
  }

  /** Says what every turn does from now on. */
  onTurn(behaviour: TurnBehaviour): this {
    this.#turns.always(toScript(behaviour));
    return this;
  }

  /** Says what the next turn does; called again, what the one behind it does. `onTurn()` has the rest. */
  onNextTurn(behaviour: TurnBehaviour): this {
    this.#turns.next(toScript(behaviour));
    return this;
  }

  /**
   * Says how the requests of a method are answered from now on: with what the handler returns, or resolves
   * with. A ResponseError that it throws refuses the request; a promise that never settles is a silence.
   * `request.passthrough()` gives the answer that the method had before.
   */
  onRequest<M extends ClientRequestMethod>(
    method: M,
    handler: (
      params: ParamsOf<M>,
      request: HandledRequest<M>,
    ) => ResultOf<M> | Promise<ResultOf<M>>,
  ): this {
    const usual = this.#server.reactionTo(method);
    this.#server.on(method, (params, message, connection) => {
      const passthrough = (): ResultOf<M> => {
        if (typeof usual === "function") return usual(params, message, connection) as ResultOf<M>;
        throw new Error(`There was no answer to ${method} that could be passed through.`);
      };
      const request = { ...(message as ReceivedRequest), passthrough };
      return handler((params ?? {}) as ParamsOf<M>, request);
    });
    return this;
  }

  /** Says how requests of all other methods are answered. Default: refused, with a sentence that says so. */
  onUnhandledRequest(handler: (request: ReceivedRequest) => unknown): this {
    this.#server.on("*", (_, message) =>
      message.id === undefined ? undefined : handler(message as ReceivedRequest),
    );
    return this;
  }

  /** Refuses the next requests of a method, because the server is overloaded. */
  overload(method: ClientRequestMethod, times = 1): this {
    const usual = this.#server.reactionTo(method);
    let left = times;
    this.#server.on(method, (params, message, connection) => {
      if (left > 0) {
        left -= 1;
        throw new ResponseError(-32_001, "Server overloaded; retry later.");
      }
      if (usual) this.#server.on(method, usual);
      return typeof usual === "function" ? usual(params, message, connection) : undefined;
    });
    return this;
  }

  /** The params of all requests of a method so far. */
  paramsOf<M extends ClientRequestMethod>(method: M): readonly ParamsOf<M>[] {
    const own = this.#received.filter((message) => message.method === method);
    return own.map(({ params }) => params as ParamsOf<M>);
  }

  /** Resolves with the next request of a method, past or future: each is given out once, oldest first. */
  nextRequest<M extends ClientRequestMethod>(
    method: M,
  ): Promise<ReceivedRequest & { readonly params: ParamsOf<M> }> {
    type Request = ReceivedRequest & { readonly params: ParamsOf<M> };
    const index = this.#unseen.findIndex((request) => request.method === method);
    const [known] = index === -1 ? [] : this.#unseen.splice(index, 1);
    if (known) return Promise.resolve(known as Request);
    return new Promise((resolve) => {
      this.#waiting.push({
        method,
        give: (request) => {
          resolve(request as Request);
        },
      });
    });
  }

  /** A thread that is stored on the server: for `codex.thread(id)` and `codex.resumeThread(id)`. */
  addThread(id: string, settings: Parameters<typeof newThread>[1] = {}): this {
    this.#threads.set(id, new FakeThread(newThread(id, settings), newSettings(settings)));
    return this;
  }

  /** Sends a notification to all clients. */
  notify<M extends ServerNotificationMethod>(
    method: M,
    params: ServerNotifications[M]["params"],
  ): void {
    this.send({ method, params, emittedAtMs: Date.now() });
  }

  /** Asks the newest client something; resolves with its result, or rejects with its error. */
  async request<M extends ServerRequestMethod>(
    method: M,
    params: ServerRequests[M]["params"],
  ): Promise<ServerRequests[M]["result"]> {
    const connection = this.#server.connections.at(-1);
    if (!connection) throw new Error("No client is connected to the fake server.");
    const answer = await connection.ask(this.#nextNumber(), method, params);
    return answer as ServerRequests[M]["result"];
  }

  /** Sends any value as a line of JSON to all clients, or, given a text, the text as it is. */
  send(message: unknown): void {
    for (const connection of this.#server.connections) {
      void (typeof message === "string"
        ? connection.write(`${message}\n`)
        : connection.send(message));
    }
  }

  /**
   * The server dies: clients in this process see a process end, those on a socket lose their connection.
   * Turns are lost. A client that starts or connects again finds the threads as they were.
   */
  crash(end: CrashOptions = {}): void {
    for (const link of [...this.#links]) link.crash({ exitCode: 1, ...end });
    this.#links.clear();
    for (const connection of this.#server.connections) connection.outlet.exit(1);
  }

  /** Makes one connection within this process. Called by the client that is given this server. */
  connect(): Transport {
    const link = new InProcessLink(this.#server);
    this.#links.add(link);
    void link.transport.ended.then(() => this.#links.delete(link));
    return link.transport;
  }

  /**
   * Takes connections on a socket, too; resolves with its URL, for `new Codex({ url })`.
   *
   * @throws MissingDependencyError when the package `ws` is not installed.
   */
  async listen(options: ListenOptions = {}): Promise<string> {
    const listener = await listen(this.#server, options);
    this.#listeners.push(listener);
    return listener.url;
  }

  /**
   * Serves the client at the other end of this process's standard streams, as the binary does: for a program
   * that stands in its place, with `launch: { command: process.execPath, args: ["server.mjs"] }`.
   */
  serveStdio(): void {
    serveStdio(this.#server);
  }

  /** Ends all connections and frees the sockets. */
  async close(): Promise<void> {
    for (const link of [...this.#links]) await link.transport.close();
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #note(message: ReceivedMessage): void {
    this.#received.push(message);
    if (message.method === undefined || message.id === undefined) return;
    const request = message as ReceivedRequest;
    const waiter = this.#waiting.find(({ method }) => method === request.method);
    this.#waiting = this.#waiting.filter((other) => other !== waiter);
    if (waiter) waiter.give(request);
    else this.#unseen.push(request);
  }

  #nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }
}

function toScript(behaviour: TurnBehaviour): TurnScript {
  return typeof behaviour === "string" ? (turn) => turn.reply(behaviour) : behaviour;
}
