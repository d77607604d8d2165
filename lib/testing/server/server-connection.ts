import { toLine, type ReceivedMessage } from "./message.js";
import type { Outlet } from "./outlet.js";

type Id = string | number | null;

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
}

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What a connection tells its server. */
export interface ConnectionEvents {
  onMessage(message: ReceivedMessage, connection: ServerConnection): void;
  onOver(connection: ServerConnection): void;
}

/** One client of a scripted server: reads its lines, and writes what the server says to it. */
export class ServerConnection {
  readonly outlet: Outlet;
  /** The requests without an answer, by their ids as JSON: which method each is of. */
  readonly unanswered = new Map<string, string>();
  /** The ids, as JSON, of the server's requests that the client has answered. */
  readonly answered = new Set<string>();
  bytesRead = 0;
  /** The client has ended what it sends. */
  atEnd = false;
  readonly #counts: Map<string, number>;
  readonly #events: ConnectionEvents;
  readonly #asked = new Map<string, Asked>();
  readonly #waiters = new Set<Waiter>();
  #parts: Buffer[] = [];
  #isOver = false;

  /** `counts` says how many messages of each method have come, over all connections of the server. */
  constructor(outlet: Outlet, counts: Map<string, number>, events: ConnectionEvents) {
    this.outlet = outlet;
    this.#counts = counts;
    this.#events = events;
  }

  count(method: string): number {
    return this.#counts.get(method) ?? 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes in bytes; a message may come in several pieces, and several in one. */
  read(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.wake();
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = this.#lineUntil(chunk, start, end);
      start = end + 1;
      this.#readLine(line);
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
  }

  #lineUntil(chunk: Buffer, start: number, end: number): string {
    if (this.#parts.length === 0) return chunk.toString("utf8", start, end);
    const line = Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString();
    this.#parts = [];
    return line;
  }

  #readLine(line: string): void {
    const message = JSON.parse(line) as ReceivedMessage;
    const { id, method } = message;
    if (method === undefined) this.#noteAnswer(message);
    else {
      this.#counts.set(method, this.count(method) + 1);
      if (id !== undefined) this.unanswered.set(JSON.stringify(id), method);
    }
    this.#events.onMessage(message, this);
  }

  /** The client sends nothing more. */
  end(): void {
    this.atEnd = true;
    this.wake();
  }

  /** Nothing goes through any more, in either direction. What the server asked is rejected. */
  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked)
      reject(Object.assign(new Error("The connection is over."), { isConnectionOver: true }));
    this.#events.onOver(this);
  }

  write(bytes: string | Buffer): Promise<void> | void {
    return this.#isOver ? undefined : this.outlet.write(bytes);
  }

  send(message: unknown): Promise<void> | void {
    return this.write(toLine(message));
  }

  respond(id: Id, outcome: { readonly result: unknown } | { readonly error: unknown }) {
    this.unanswered.delete(JSON.stringify(id));
    return this.send({ id, ...outcome });
  }

  /** Sends a request of the server; resolves with the client's result, rejects with its error. */
  ask(id: string | number, method: string, params: unknown): Promise<unknown> {
    const answer = new Promise((resolve, reject: (error: unknown) => void) => {
      this.#asked.set(JSON.stringify(id), { resolve, reject });
    });
    void this.send({ id, method, params });
    return answer;
  }

  /** The id of the oldest open request of a method. */
  openRequest(method: string): Id | undefined {
    const found = [...this.unanswered].find(([, open]) => open === method);
    return found && (JSON.parse(found[0]) as Id);
  }

  /** Resolves when `condition` holds, now or after something else has arrived. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ condition, resolve }));
  }

  wake(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of [...this.#waiters]) {
      if (!waiter.condition()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #noteAnswer({ id, result, error }: ReceivedMessage): void {
    const key = JSON.stringify(id);
    this.answered.add(key);
    const asked = this.#asked.get(key);
    this.#asked.delete(key);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(Object.assign(new Error(error.message), error));
  }
}
