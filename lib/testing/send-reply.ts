import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { orAborted, throwIfAborted } from "../async/abort.js";
import { completedEvent, createdEvent } from "./replies/envelope.js";
import {
  isHttpReply,
  partsOf,
  type HttpReply,
  type MakeId,
  type PauseStep,
  type Reply,
  type ReplyPart,
  type StopStep,
} from "./replies/reply.js";
import { formatSseEvent, type ModelEvent } from "./sse-format.js";

/**
 * Writes a reply, once it is chosen, to an HTTP response. Resolves when all is written, or as soon as `signal` aborts:
 * the other side has left, or the model server closes.
 */
export async function sendReply(
  response: ServerResponse,
  choice: Promise<Reply>,
  makeId: MakeId,
  signal: AbortSignal,
): Promise<void> {
  try {
    const reply = await orAborted(choice, signal);
    if (isHttpReply(reply)) sendHttp(response, reply);
    else await streamParts(response, partsOf(reply), makeId, signal);
  } catch (error) {
    // Every wait below ends this way when the other side leaves; nobody is left to answer.
    if (!signal.aborted) throw error;
  }
}

function sendHttp(response: ServerResponse, { status, headers, body }: HttpReply): void {
  const isText = typeof body === "string";
  response.writeHead(status, {
    "content-type": isText ? "text/plain" : "application/json",
    ...headers,
  });
  response.end(isText ? body : JSON.stringify(body));
}

async function streamParts(
  response: ServerResponse,
  parts: readonly ReplyPart[],
  makeId: MakeId,
  signal: AbortSignal,
): Promise<void> {
  const responseId = makeId("resp");
  const steps = parts.flatMap((part) => part.steps(makeId));
  const stream = new StreamPlayer(response, signal);
  response.writeHead(200, { "content-type": "text/event-stream", ...headersOf(parts) });

  await stream.send(createdEvent(responseId));
  for (const step of steps) {
    if (step.do === "send") await stream.send(step.event);
    else if (step.do !== "stop") await stream.pause(step);
    else {
      await stream.stop(step.how);
      return;
    }
  }
  const usage = parts.findLast((part) => part.usage)?.usage;
  await stream.send(completedEvent(responseId, usage));
  await stream.stop("end");
}

function headersOf(parts: readonly ReplyPart[]): Record<string, string> {
  return Object.fromEntries(parts.flatMap((part) => Object.entries(part.headers ?? {})));
}

/** Gathers events into larger writes, and waits when the reader is slower than the script. */
class StreamPlayer {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  #unsent = "";

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
  }

  async send(event: ModelEvent): Promise<void> {
    this.#unsent += formatSseEvent(event);
    if (this.#unsent.length >= 65_536) await this.#flush();
  }

  async pause(step: PauseStep): Promise<void> {
    await this.#flush();
    if (step.do === "wait") {
      await sleep(step.ms, undefined, { signal: this.#signal });
    } else {
      step.hold.arrive();
      await orAborted(step.hold.released, this.#signal);
    }
  }

  async stop(how: StopStep["how"]): Promise<void> {
    await this.#flush();
    if (how === "end") this.#response.end();
    else if (how === "drop") this.#response.destroy();
    else await orAborted(new Promise(() => {}), this.#signal);
  }

  async #flush(): Promise<void> {
    const text = this.#unsent;
    this.#unsent = "";
    throwIfAborted(this.#signal);
    if (text === "") return;
    // Until the callback the text may still be in our hands, and a drop right after would lose it.
    const written = new Promise((resolve) => this.#response.write(text, resolve));
    await orAborted(written, this.#signal);
  }
}
