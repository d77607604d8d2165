import {
  PostgresFleetStore,
  RedisFleetStore,
  type TurnWorkerOptions,
} from "../../lib/fleet/index.js";
import { PostgresServer } from "./postgres-server.js";
import { RedisServer } from "./redis-server.js";

/** The databases that a fleet can keep everything in. */
export type DatabaseKind = "redis" | "postgres";

/** Where a fleet keeps everything. It travels to other processes as JSON. */
export interface DatabasePlace {
  readonly kind: DatabaseKind;
  readonly url: string;
  /** Sets those apart that share a database. */
  readonly name?: string;
}

export async function startDatabase(kind: DatabaseKind): Promise<RedisServer | PostgresServer> {
  return kind === "redis" ? RedisServer.start() : PostgresServer.start();
}

/** The options with which every part of a fleet reaches the database. */
export function fleetOptions({ kind, url, name = "fleet" }: DatabasePlace) {
  if (kind === "redis") {
    const { hostname, port } = new URL(url);
    return {
      store: new RedisFleetStore({ redis: url, prefix: name }),
      connection: { host: hostname, port: Number(port) },
      bullmq: { prefix: `bull-${name}` },
    } satisfies Partial<TurnWorkerOptions>;
  }
  return {
    store: new PostgresFleetStore({ postgres: url, schema: name }),
    // Each queue and worker has a pool of its own, and a small server takes 100 connections.
    postgres: { connectionString: url, schema: `bull_${name}`, max: 4, migrate: true },
  } satisfies Partial<TurnWorkerOptions>;
}
