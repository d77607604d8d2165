import { onDeadline } from "../../async/deadline.js";
import type { RecordedConnection, RecordedMessage } from "../../recording/format.js";
import { toLine, type ReceivedMessage } from "../server/message.js";
import { Renaming } from "./renaming.js";

/** What a replay needs of the connection that it answers on. */
export interface ReplayOutlet {
  write(line: string): void;
  end(end: NonNullable<RecordedConnection["end"]>): void;
  /** Learns of each request that the recording does not have at its place. */
  mismatch(problem: string): void;
}

interface Entry {
  readonly line: number;
  readonly dir: "in" | "out";
  readonly message: ReceivedMessage | undefined;
  readonly text: string | undefined;
  isDone: boolean;
}

/** How long a request that comes too early waits for those before it (ms). */
const patienceMs = 1_000;

/**
 * Answers one connection from a recording. What the server sent is sent as soon as all has come that the
 * client had sent before it; of messages that the client sent with nothing in between, the order is free.
 */
export class ReplayedConnection {
  readonly #entries: readonly Entry[];
  readonly #end: RecordedConnection["end"];
  readonly #outlet: ReplayOutlet;
  readonly #renaming = new Renaming();
  /** What has come and has no place yet. */
  #early: ReceivedMessage[] = [];
  #at = 0;
  #stopWaiting: (() => void) | undefined;

  constructor({ messages, end }: RecordedConnection, outlet: ReplayOutlet) {
    this.#entries = messages.map(toEntry);
    this.#end = end;
    this.#outlet = outlet;
  }

  /** The requests of the recording that have not come, each with its line in the file. */
  get unused(): { readonly method: string; readonly line: number }[] {
    return this.#entries.flatMap(({ dir, message, line, isDone }) =>
      dir === "out" && !isDone && message?.method !== undefined && message.id !== undefined
        ? [{ method: message.method, line }]
        : [],
    );
  }

  receive(message: ReceivedMessage): void {
    this.#early.push(message);
    this.#advance();
    this.#early = this.#early.filter((each) => {
      if (!isRequest(each) || this.#hasPlaceFor(each)) return true;
      this.#refuse(each);
      return false;
    });
    this.#wait();
  }

  /** The client is gone. */
  over(): void {
    this.#stopWaiting?.();
    this.#early = [];
  }

  #advance(): void {
    for (let entry = this.#entries[this.#at]; entry; entry = this.#entries[this.#at]) {
      if (entry.dir === "in") this.#send(entry);
      else this.#match();
      if (!entry.isDone) return;
      this.#at += 1;
    }
    if (this.#end) this.#outlet.end(this.#end);
  }

  /** Finds the places of what has come, among the messages up to the next one of the server. */
  #match(): void {
    for (let index = this.#at; this.#entries[index]?.dir === "out"; index += 1) {
      const entry = this.#entries[index];
      if (!entry || entry.isDone) continue;
      const found = this.#early.find((message) => isSameKind(message, entry.message));
      if (!found) continue;
      entry.isDone = true;
      this.#early = this.#early.filter((message) => message !== found);
      this.#renaming.learn(entry.message, found);
    }
  }

  #send(entry: Entry): void {
    entry.isDone = true;
    const { message, text = "" } = entry;
    this.#outlet.write(message ? toLine(this.#renaming.apply(message)) : `${text}\n`);
  }

  #hasPlaceFor(message: ReceivedMessage): boolean {
    const rest = this.#entries.slice(this.#at);
    return rest.some((entry) => !entry.isDone && isSameKind(message, entry.message));
  }

  /** What comes too early may wait for what belongs before it, but not for ever. */
  #wait(): void {
    this.#stopWaiting?.();
    if (!this.#early.some(isRequest)) return;
    this.#stopWaiting = onDeadline(patienceMs, () => {
      for (const message of this.#early.splice(0)) if (isRequest(message)) this.#refuse(message);
    });
  }

  #refuse({ id, method = "" }: ReceivedMessage): void {
    const next = this.unused[0];
    const expected = next
      ? `expects ${next.method} next (line ${next.line})`
      : "has no request left";
    const problem = `The recording ${expected}, and ${method} came.`;
    this.#outlet.mismatch(problem);
    this.#outlet.write(toLine({ id, error: { code: -32_603, message: problem } }));
  }
}

function toEntry(recorded: RecordedMessage & { readonly line: number }): Entry {
  const { dir, line } = recorded;
  const message = "message" in recorded ? (recorded.message as ReceivedMessage) : undefined;
  const text = "text" in recorded ? recorded.text : undefined;
  // A line of the client that was no message comes no second time.
  return { line, dir, message, text, isDone: dir === "out" && message === undefined };
}

function isRequest({ id, method }: ReceivedMessage): boolean {
  return id !== undefined && method !== undefined;
}

/** Requests and notifications are told apart by their methods, answers by the ids that the server chose. */
function isSameKind(came: ReceivedMessage, recorded: ReceivedMessage | undefined): boolean {
  if (!recorded || came.method !== recorded.method) return false;
  return came.method === undefined
    ? came.id === recorded.id
    : isRequest(came) === isRequest(recorded);
}
