import { orAborted, throwIfAborted } from "../async/abort.js";
import { Deferred } from "../async/deferred.js";
import { ModelClosedError } from "../errors/model-closed-error.js";
import type { ModelRequest } from "./inspect-request.js";

export interface NextRequestOptions {
  /** Hand out only a request like this; others stay for later calls. Default: any. */
  readonly where?: (request: ModelRequest) => boolean;
  /** Give up waiting; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly where: (request: ModelRequest) => boolean;
  readonly found: Deferred<ModelRequest>;
}

/** Every request seen, and who waits for the next one. */
export class RequestLog {
  readonly all: ModelRequest[] = [];
  readonly #unclaimed: ModelRequest[] = [];
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  add(request: ModelRequest): void {
    this.all.push(request);
    for (const waiter of this.#waiters) {
      if (!waiter.where(request)) continue;
      this.#waiters.delete(waiter);
      waiter.found.resolve(request);
      return;
    }
    this.#unclaimed.push(request);
  }

  async next({ where = () => true, signal }: NextRequestOptions = {}): Promise<ModelRequest> {
    throwIfAborted(signal);
    const index = this.#unclaimed.findIndex(where);
    const [known] = index < 0 ? [] : this.#unclaimed.splice(index, 1);
    if (known) return known;
    if (this.#closed) throw new ModelClosedError();

    const found = new Deferred<ModelRequest>();
    const waiter: Waiter = { where, found };
    this.#waiters.add(waiter);
    try {
      return await orAborted(found.promise, signal);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.found.reject(new ModelClosedError());
  }
}
