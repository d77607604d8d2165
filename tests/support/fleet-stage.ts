import { afterAll, beforeAll } from "@jest/globals";
import { Codex } from "../../lib/index.js";
import {
  TurnQueue,
  TurnWorker,
  type FleetStore,
  type JobEvent,
  type TurnJob,
  type TurnQueueOptions,
  type TurnWorkerOptions,
} from "../../lib/fleet/index.js";
import type { AskedRequest } from "../../lib/http/index.js";
import { FakeAppServer } from "../../lib/testing/index.js";
import { fleetOptions } from "./fleet-database.js";
import { ListeningServer } from "./listening-server.js";
import { RealStage } from "./real.js";
import { RedisServer } from "./redis-server.js";

/** What the parts of a fleet have in common: where they keep everything, and how much of it. */
export type FleetPlace = Pick<
  TurnQueueOptions,
  "store" | "connection" | "postgres" | "bullmq" | "maxBytesPerTurn"
>;

type StageServer = FakeAppServer | ListeningServer;

/** A queue and its workers in this process. Each worker has a connection to its server of its own, as another process would. */
export class FleetStage<Server extends StageServer = ListeningServer> implements AsyncDisposable {
  /** That of all workers that get no other. A fake one belongs to the stage. */
  readonly server: Server;
  readonly place: FleetPlace;
  readonly store: FleetStore;
  readonly queue: TurnQueue;
  /** What went wrong beside the jobs. */
  readonly troubles: string[] = [];
  readonly #workers: TurnWorker[] = [];
  readonly #clients: Codex[] = [];

  constructor(server: Server, place: FleetPlace) {
    this.server = server;
    this.store = place.store;
    this.place = place;
    this.queue = new TurnQueue({ ...place, onError: this.#trouble });
  }

  async worker(
    options: Partial<TurnWorkerOptions> = {},
    server: StageServer = this.server,
  ): Promise<TurnWorker> {
    const codex = this.client(server);
    const worker = new TurnWorker({
      ...this.place,
      host: "one",
      codexFor: () => codex,
      onError: this.#trouble,
      ...options,
    });
    this.#workers.push(worker);
    await worker.ready();
    return worker;
  }

  client(server: StageServer = this.server): Codex {
    const codex = new Codex(server instanceof FakeAppServer ? { server } : { url: server.url });
    this.#clients.push(codex);
    return codex;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await this.queue.close();
    await Promise.all(this.#clients.map((codex) => codex.close()));
    if (this.server instanceof FakeAppServer) await this.server[Symbol.asyncDispose]();
    await this.store.close();
  }

  readonly #trouble = (error: unknown): void => {
    this.troubles.push(String(error));
  };
}

/** Starts a Redis before the tests of a file, and ends it behind them. Gives what makes a fleet on it, over a fake server. */
export function fakeFleets(): (given?: Partial<FleetPlace>) => FleetStage<FakeAppServer> {
  let redis: RedisServer;
  let lastName = 0;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
  });
  return (given) => {
    lastName += 1;
    const place = fleetOptions({ kind: redis.kind, url: redis.url, name: `fleet-${lastName}` });
    return new FleetStage(new FakeAppServer(), { ...place, ...given });
  };
}

/** What all tests of a file share. */
interface SharedServer {
  readonly stage: RealStage;
  readonly server: ListeningServer;
}

/** Starts a real server over a scripted model before the tests of a file, and ends it behind them. */
export function sharedServer(overrides: Parameters<typeof RealStage.open>[0] = {}): SharedServer {
  const shared: { -readonly [Name in keyof SharedServer]?: SharedServer[Name] } = {};
  beforeAll(async () => {
    shared.stage = await RealStage.open(overrides);
    shared.server = await ListeningServer.start(shared.stage);
  });
  afterAll(async () => {
    await shared.server?.[Symbol.asyncDispose]();
    await shared.stage?.close();
  });
  return shared as SharedServer;
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
