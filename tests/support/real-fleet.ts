import { Codex } from "../../lib/index.js";
import {
  RedisFleetStore,
  TurnQueue,
  TurnWorker,
  type JobEvent,
  type TurnJob,
  type TurnWorkerOptions,
} from "../../lib/fleet/index.js";
import type { AskedRequest } from "../../lib/http/index.js";
import type { ListeningServer } from "./listening-server.js";
import type { RedisServer } from "./redis-server.js";

/** A queue and its workers on a Redis of their own, over real servers. Each worker has a connection of its own. */
export class RealFleet implements AsyncDisposable {
  readonly store: RedisFleetStore;
  readonly queue: TurnQueue;
  /** What went wrong beside the jobs. */
  readonly troubles: string[] = [];
  readonly #connection: object;
  readonly #workers: TurnWorker[] = [];
  readonly #clients: Codex[] = [];

  constructor(redis: RedisServer) {
    this.#connection = { host: "127.0.0.1", port: redis.port };
    this.store = new RedisFleetStore({ redis: redis.url });
    this.queue = new TurnQueue({
      store: this.store,
      connection: this.#connection,
      onError: this.#trouble,
    });
  }

  async worker(
    server: ListeningServer,
    options: Partial<TurnWorkerOptions> = {},
  ): Promise<TurnWorker> {
    const codex = this.client(server);
    const worker = new TurnWorker({
      store: this.store,
      connection: this.#connection,
      host: "one",
      codexFor: () => codex,
      onError: this.#trouble,
      ...options,
    });
    this.#workers.push(worker);
    await worker.ready();
    return worker;
  }

  client({ url }: ListeningServer): Codex {
    const codex = new Codex({ url });
    this.#clients.push(codex);
    return codex;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.queue.close();
    await Promise.all(this.#clients.map((codex) => codex.close()));
    await this.store.close();
  }

  readonly #trouble = (error: unknown): void => {
    this.troubles.push(String(error));
  };
}

/** All events of a job, as a viewer sees them, up to its end. */
export async function eventsOf(job: TurnJob): Promise<JobEvent[]> {
  const all: JobEvent[] = [];
  for await (const event of job.stream()) all.push(event);
  return all;
}

/** The key of the first thing of a kind that a job's turn asks. */
export async function requestOf(job: TurnJob, kind: AskedRequest["kind"]): Promise<string> {
  for await (const { part } of job.stream()) {
    if (part.type === "request" && part.request.kind === kind) return part.key;
  }
  throw new Error("nothing was asked");
}

/** Resolves when it is so. */
export async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await new Promise((resolve) => setTimeout(resolve, 20));
}
