import { once } from "node:events";
import { Codex } from "../../lib/index.js";
import { TurnQueue, TurnWorker, type TurnWorkerOptions } from "../../lib/fleet/index.js";
import type { FleetStore } from "../../lib/fleet/store/fleet-store.js";
import { FakeAppServer } from "../../lib/testing/index.js";
import { MemoryFleetStore } from "./memory-fleet-store.js";

/** Where BullMQ keeps the jobs of a stage. */
export type StageBackend = Pick<TurnWorkerOptions, "connection" | "postgres" | "bullmq">;

/** A queue and its workers in this process, over a fake server. */
export class FleetStage implements AsyncDisposable {
  readonly store: FleetStore;
  readonly server = new FakeAppServer();
  readonly queue: TurnQueue;
  /** What went wrong beside the jobs. */
  readonly troubles: unknown[] = [];
  readonly #backend: StageBackend;
  readonly #workers: TurnWorker[] = [];
  readonly #clients: Codex[] = [];

  constructor(backend: StageBackend, store: FleetStore = new MemoryFleetStore()) {
    this.#backend = backend;
    this.store = store;
    this.queue = new TurnQueue({ store, ...backend, onError: this.#trouble });
  }

  async worker(options: Partial<TurnWorkerOptions> = {}): Promise<TurnWorker> {
    const codex = this.client();
    const worker = new TurnWorker({
      store: this.store,
      ...this.#backend,
      host: "one",
      codexFor: () => codex,
      onError: this.#trouble,
      ...options,
    });
    this.#workers.push(worker);
    await worker.ready();
    return worker;
  }

  client(): Codex {
    const codex = new Codex({ server: this.server });
    this.#clients.push(codex);
    return codex;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.queue.close();
    await Promise.all(this.#clients.map((codex) => codex.close()));
    await this.server[Symbol.asyncDispose]();
    await this.store.close();
  }

  readonly #trouble = (error: unknown): void => {
    this.troubles.push(error);
  };
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
