import { toErrorMember, type ReceivedMessage } from "./message.js";
import type { Outlet } from "./outlet.js";
import { runSteps } from "./run-steps.js";
import { stepsFor, type Script, type Steps } from "./script.js";
import { ServerConnection } from "./server-connection.js";

/** Answers a request by what it returns, or resolves with; what it throws refuses the request. */
export type MessageHandler = (
  params: unknown,
  message: ReceivedMessage,
  connection: ServerConnection,
) => unknown;

/** How a message is answered: by a function, or by steps. */
export type Reaction = MessageHandler | Steps;

/** What a handler returns that has answered by itself, or never will. */
export const noAnswer = Symbol("no answer");

/**
 * A server of JSON-RPC that does what it is told, for any number of clients, whatever carries their
 * connections. It has no behaviour of its own: that is functions, or a script, which is data.
 */
export class MessageServer {
  /** Learns of each message before it has any effect. */
  onReceived: ((message: ReceivedMessage, connection: ServerConnection) => void) | undefined;
  onDisconnected: ((connection: ServerConnection) => void) | undefined;
  readonly #counts = new Map<string, number>();
  readonly #connections = new Set<ServerConnection>();
  readonly #reactions = new Map<string, Reaction>();
  #start: Steps = [];
  #connected: number;

  /** `before`: how many connections count as made already, for a script that tells them apart. */
  constructor({ before = 0 } = {}) {
    this.#connected = before;
  }

  /** Those that are open, oldest first. */
  get connections(): readonly ServerConnection[] {
    return [...this.#connections];
  }

  /** Says how the messages of a method are answered from now on; `"*"` is for all others. */
  on(method: string, reaction: Reaction): void {
    this.#reactions.set(method, reaction);
  }

  /** Takes over what a script says, in place of what was said of the same methods. */
  follow({ start, on = {} }: Script): void {
    if (start) this.#start = start;
    for (const [method, steps] of Object.entries(on)) this.on(method, steps);
  }

  reactionTo(method: string): Reaction | undefined {
    return this.#reactions.get(method) ?? this.#reactions.get("*");
  }

  /** A client is there. What it sends is to be given to the connection that this returns. */
  connect(outlet: Outlet): ServerConnection {
    const connection = new ServerConnection(outlet, this.#counts, {
      onMessage: (message) => {
        this.#receive(message, connection);
      },
      onOver: () => {
        this.#connections.delete(connection);
        this.onDisconnected?.(connection);
      },
    });
    this.#connections.add(connection);
    this.#connected += 1;
    void runSteps(stepsFor(this.#start, this.#connected), {}, connection);
    return connection;
  }

  #receive(message: ReceivedMessage, connection: ServerConnection): void {
    this.onReceived?.(message, connection);
    for (const each of this.#connections) each.wake();
    const { id, method } = message;
    if (method === undefined) return;
    const reaction = this.reactionTo(method);
    if (typeof reaction === "function") {
      const handle = () => reaction(message.params, message, connection);
      if (id === undefined) void callQuietly(handle);
      else answer(id, handle, connection);
    } else if (reaction) {
      const count = this.#counts.get(method) ?? 1;
      void runSteps(stepsFor(reaction, count), { ...message, count }, connection);
    }
  }
}

/** At once when the handler has the result at once; what it sent meanwhile went before. */
function answer(
  id: string | number | null,
  handle: () => unknown,
  connection: ServerConnection,
): void {
  const done = (result: unknown): void => {
    if (result !== noAnswer) void connection.respond(id, { result });
  };
  const failed = (error: unknown): void => {
    void connection.respond(id, { error: toErrorMember(error) });
  };
  try {
    const result = handle();
    if (isPromise(result)) result.then(done, failed);
    else done(result);
  } catch (error) {
    failed(error);
  }
}

/** A notification has no answer that could tell of a failure. */
async function callQuietly(handle: () => unknown): Promise<void> {
  try {
    await handle();
  } catch {
    // Nobody waits for it.
  }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null | undefined)?.then === "function";
}
