import type { RequestMessage } from "../rpc/message.js";
import { OpenRequest } from "./open-request.js";

/** What a request was about; all that is kept when it is over. */
type Subject = Pick<OpenRequest, "method" | "threadId" | "turnId" | "itemId">;

/** Of how many requests it is remembered that they are over. */
const maxOver = 1_024;

/**
 * The requests that wait for an answer, and what the last ones were about that did. Resuming a
 * thread makes the server send its open requests again, with the same ids, and also one that is
 * being answered at that moment: none of these is a new question.
 */
export class OpenRequests {
  readonly #open = new Map<string | number, OpenRequest>();
  readonly #over = new Map<string | number, Subject>();

  get size(): number {
    return this.#open.size;
  }

  /** All open ones; those that end meanwhile are still among them. */
  list(): readonly OpenRequest[] {
    return [...this.#open.values()];
  }

  /** Undefined for a request that was here before. */
  open(message: RequestMessage): OpenRequest | undefined {
    if (this.#open.has(message.id)) return undefined;
    const request = new OpenRequest(message, () => {
      this.#close(request);
    });
    const before = this.#over.get(message.id);
    if (before && isSame(before, request)) return undefined;
    this.#open.set(message.id, request);
    return request;
  }

  /** By its id on the wire, or by its key. */
  get(id: string | number): OpenRequest | undefined {
    return this.#open.get(id) ?? this.list().find(({ key }) => key === id);
  }

  /** What the request with this id on the wire is about, also for a while after its end. */
  subjectOf(requestId: string | number): Subject | undefined {
    return this.#open.get(requestId) ?? this.#over.get(requestId);
  }

  #close({ requestId, method, threadId, turnId, itemId }: OpenRequest): void {
    this.#open.delete(requestId);
    this.#over.delete(requestId);
    this.#over.set(requestId, { method, threadId, turnId, itemId });
    for (const oldest of this.#over.keys()) {
      if (this.#over.size <= maxOver) break;
      this.#over.delete(oldest);
    }
  }
}

function isSame(one: Subject, other: Subject): boolean {
  return (
    one.method === other.method &&
    one.threadId === other.threadId &&
    one.turnId === other.turnId &&
    one.itemId === other.itemId
  );
}
