import { PassThrough, Writable } from "node:stream";
import { AppServerClient } from "../../lib/client.js";
import { isAppServerError } from "../../lib/errors/base.js";
import type { Transport, TransportEnd } from "../../lib/transport/transport.js";
import type { Random } from "./random.js";

export interface Outcome {
  /** What did not hold; undefined when everything did. */
  readonly failure: string | undefined;
  /** What the input has led to, roughly: inputs with the same are much alike. */
  readonly trace: string;
}

/** How long one input may take, which is far longer than any does (ms). */
const deadlineMs = 20_000;

/**
 * A client with handlers, listeners and a running turn gets the bytes from its server, between
 * messages that are as they should be, and then has to be as it was: everything between was
 * delivered, in order, the turn can end, the client can be used and closed.
 */
export async function feed(input: Buffer, random: Random): Promise<Outcome> {
  const watch = new Watch();
  try {
    return await withDeadline(run(input, random, watch));
  } catch (error) {
    return { failure: describe(error), trace: "" };
  } finally {
    watch.stop();
  }
}

async function run(input: Buffer, random: Random, watch: Watch): Promise<Outcome> {
  const link = new Link();
  const trace = new Set<string>();
  const delivered: unknown[] = [];
  const client = await AppServerClient.attach(link.transport, {
    maxMessageBytes: 1_048_576,
    onApproval: (request) => (
      trace.add(request.type),
      random.below(2) ? "accept" : (undefined as never)
    ),
    onUserInput: () => new Promise(() => undefined),
    onElicitation: () => {
      throw new Error("a handler fails");
    },
    // What the handler above throws, which is no finding.
    onError: (_, { where }) => trace.add(where),
    logger: {
      warn: (line) => trace.add(line),
      error: (line) => {
        watch.note(`logged: ${line}`);
      },
    },
  });
  client.on("fuzz/mark" as never, ({ params }: { params?: { n?: unknown } }) => {
    if (typeof params?.n === "number") delivered.push(params.n);
  });
  client.on("turn/started", () => trace.add("turn/started"));
  const thread = await client.startThread();
  const others = thread.unsolicitedTurns();
  const turn = thread.turn("Hi");
  const text = readAll(turn.textStream());
  const result = turn.run().then(
    ({ status }) => trace.add(`turn ${status}`),
    (error: unknown) => trace.add((error as Error).name),
  );
  await turn.started;

  const pieces = input.toString("latin1").split("\n");
  const lines = pieces.flatMap((line, n) => [Buffer.from(line, "latin1"), mark(n)]);
  await link.send(Buffer.concat(lines), random);
  trace.add(`${turn.state.openItems.length > 0 ? "open" : "no open"} items`);
  await link.send(Buffer.from(ending), random);
  await client
    .request("account/read", {})
    .catch((error: unknown) => trace.add((error as Error).name));
  for (const { key } of client.pendingRequests()) {
    trace.add("open request");
    // Whatever it is, this is no answer to it, or a refusal.
    if (random.below(2))
      tryTo(() => {
        client.respond(key, "decline");
      });
  }
  await client.close();
  await Promise.all([result, text, others.return?.(), client.closed]);

  if (delivered.join() !== pieces.map((_, n) => n).join()) {
    watch.note(`${pieces.length} marks were sent, these came: ${delivered.join()}`);
  }
  await new Promise(setImmediate);
  return { failure: watch.failure(), trace: [...trace].sort().join("|") };
}

/** A message that an input must not keep from being delivered; it begins a line of its own. */
function mark(n: number): Buffer {
  return Buffer.from(`\n{"method":"fuzz/mark","params":{"n":${n}}}\n`);
}

const ending = `\n{"method":"turn/completed","params":{"threadId":"thread-1","turn":{"id":"turn-1","status":"completed","items":[]}}}\n`;

/** Notices what must never happen, wherever it happens. */
class Watch {
  readonly #notes: string[] = [];
  readonly #onError = (error: unknown): void => {
    this.note(`nobody caught ${describe(error)}`);
  };

  constructor() {
    process.on("uncaughtException", this.#onError);
    process.on("unhandledRejection", this.#onError);
  }

  note(what: string): void {
    this.#notes.push(what);
  }

  failure(): string | undefined {
    const polluted = Object.keys(Object.prototype).concat(Object.keys(Array.prototype));
    if (polluted.length > 0) this.note(`a prototype was polluted: ${polluted.join()}`);
    for (const key of Object.keys(Object.prototype)) Reflect.deleteProperty(Object.prototype, key);
    return this.#notes[0];
  }

  stop(): void {
    process.off("uncaughtException", this.#onError);
    process.off("unhandledRejection", this.#onError);
  }
}

/** The server's end: it answers what it must, and sends what it is told to. */
class Link {
  readonly transport: Transport;
  readonly #toClient = new PassThrough();
  readonly #answers: string[] = [];
  #sending = false;

  constructor() {
    let end!: (end: TransportEnd) => void;
    const ended = new Promise<TransportEnd>((resolve) => (end = resolve));
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        for (const line of chunk.toString().split("\n")) this.#answer(line);
        done();
      },
    });
    this.transport = {
      input: this.#toClient,
      output,
      ended,
      stderrTail: () => "",
      close: async () => {
        this.#toClient.end();
        end({ exitCode: 0, signal: null });
        await ended;
      },
    };
  }

  /** Sends it in pieces; what has to be answered meanwhile is answered behind it. */
  async send(bytes: Buffer, random: Random): Promise<void> {
    const size = random.pick([1 + random.below(7), 1 + random.below(500), 4_096, 65_536, 65_536]);
    this.#sending = true;
    for (let at = 0; at < bytes.length; at += size) {
      this.#toClient.write(bytes.subarray(at, at + size));
      if (random.below(16) === 0) await new Promise(setImmediate);
    }
    this.#sending = false;
    this.#toClient.write(this.#answers.splice(0).join(""));
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  }

  #answer(line: string): void {
    if (line === "") return;
    const { id, method } = JSON.parse(line) as { id?: unknown; method?: string };
    if (method === undefined || id === undefined || this.#toClient.writableEnded) return;
    const answer = `${JSON.stringify({ id, result: results[method] ?? {} })}\n`;
    if (this.#sending) this.#answers.push(answer);
    else this.#toClient.write(answer);
  }
}

const results: Record<string, unknown> = {
  initialize: { userAgent: "codex-app-server-sdk/0.169.0 (fuzz)" },
  "thread/start": { thread: { id: "thread-1", status: { type: "idle" }, turns: [] } },
  "turn/start": { turn: { id: "turn-1", status: "inProgress", items: [] } },
};

function tryTo(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isAppServerError(error)) throw error;
  }
}

async function readAll(texts: AsyncIterable<string>): Promise<void> {
  try {
    for await (const text of texts) if (typeof text !== "string") throw new TypeError("no text");
  } catch {
    // How the turn ends is told by its result.
  }
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error("it did not come to an end"));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
