import { hostname } from "node:os";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import {
  amount,
  anything,
  bytes,
  callback,
  check,
  checkFields,
  milliseconds,
  object,
  oneOf,
  whole,
  type Rule,
  type RulesOf,
} from "../../errors/check-values.js";
import type { BoundTools, Codex, RequestHandlers } from "../../index.js";
import type { PartOptions } from "../../http/index.js";
import { readPartOptions } from "../../parts/part-options.js";
import type { RolloutStore } from "../rollouts/rollout-store.js";
import type { FleetStore } from "../store/fleet-store.js";
import { checkBackend, checkName } from "./turn-queue-options.js";
import { troubleListener } from "./warn-of-trouble.js";
import type { NewThreadOptions, TurnJobOptions } from "./turn-request.js";

/** A job as `codexFor` and `handlersFor` see it. */
export interface TurnJobInfo {
  readonly id: string;
  /** As it was given to `add()`; empty when none was. */
  readonly owner: string;
  /** Undefined while the job has no thread: it is to begin one. */
  readonly threadId: string | undefined;
  readonly newThread: NewThreadOptions | undefined;
  readonly options: TurnJobOptions;
}

export interface TurnWorkerOptions {
  /** What the machines know together: the same database as that of the `TurnQueue`. */
  readonly store: FleetStore;
  /** BullMQ's connection to Redis: an ioredis client, or options such as `{ host, port }`. */
  readonly connection?: object | undefined;
  /** For BullMQ's PostgreSQL backend instead: a `pg.Pool`, its options or a connection string. */
  readonly postgres?: object | string | undefined;
  /** The name of the queue (default `"turns"`). */
  readonly name?: string | undefined;
  /**
   * Where the threads of this worker's servers lie (default: the name of the machine). Workers of one host share the
   * servers' directory, `CODEX_HOME`, and may share the servers.
   */
  readonly host?: string | undefined;
  /**
   * The client that runs a job's turn. Make it once, with the `url` of a server that runs beside this process, so that
   * turns survive the worker. The worker does not close it.
   */
  readonly codexFor: (job: TurnJobInfo) => Codex | Promise<Codex>;
  /**
   * Handlers and tools of a job's thread: functions, which cannot travel. A kind of request without a handler here
   * waits for `job.answer()`.
   */
  readonly handlersFor?: ((job: TurnJobInfo) => RequestHandlers & BoundTools) | undefined;
  /**
   * Lets threads move, when no worker of their host is alive: after each turn its thread is unloaded and exported there
   * (configure servers with `thread_unload_delay_secs = 0`), and another host imports it before the next one. Without
   * it, turns of such a thread wait for its host.
   */
  readonly rollouts?: RolloutStore | undefined;
  /** How many turns run here at a time (default 4). */
  readonly concurrency?: number | undefined;
  /** After how long without a sign of life of this worker another one takes its jobs (ms; default 30 s). */
  readonly lockDuration?: number | undefined;
  /** How often it looks for jobs of dead workers (ms; default 15 s). */
  readonly stalledInterval?: number | undefined;
  /** For how long after its last sign of life the host counts as alive (ms; default 60 s). */
  readonly hostAliveMs?: number | undefined;
  /**
   * How long a turn's server may stay away before the job fails, from when its `Codex` has given up connecting again, as
   * its `reconnect` says (ms; default 60 s).
   */
  readonly serverBackMs?: number | undefined;
  /** How long an approval or a question waits before it is declined (ms; default 10 minutes). */
  readonly answerWithinMs?: number | undefined;
  /** How long a job's outcome and events are kept after its end (ms; default 1 hour). */
  readonly retainMs?: number | undefined;
  /** How much is kept of the events of each turn (bytes, roughly; default 4 MiB). */
  readonly maxBytesPerTurn?: number | undefined;
  /** For how long events are gathered before they are stored (ms; default 50). */
  readonly batchMs?: number | undefined;
  /** What of a turn its viewers see. */
  readonly parts?: PartOptions | undefined;
  /**
   * What this worker does with a turn whose job was given to another worker, after a pause of this process say: it
   * leaves the turn to the other, which follows it (default), or interrupts it.
   */
  readonly whenLockLost?: "handOver" | "interrupt" | undefined;
  /** More options of BullMQ's `Worker`: `limiter`, `metrics`, `telemetry`, `prefix` and so on. */
  readonly bullmq?: object | undefined;
  /** Gets what goes wrong beside the jobs: a database that is away, a lock that is lost. Default: a warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const rules: RulesOf<TurnWorkerOptions> = {
  store: object,
  connection: object,
  postgres: anything,
  name: anything,
  host: anything,
  codexFor: callback,
  handlersFor: callback,
  rollouts: object,
  concurrency: whole(1),
  lockDuration: milliseconds,
  stalledInterval: milliseconds,
  hostAliveMs: milliseconds,
  serverBackMs: milliseconds,
  answerWithinMs: milliseconds,
  retainMs: milliseconds,
  maxBytesPerTurn: bytes,
  batchMs: amount,
  parts: anything,
  whenLockLost: oneOf("handOver", "interrupt"),
  bullmq: object,
  onError: callback,
};
const keys: KeysOf<TurnWorkerOptions> = rules;

const hostRule: Rule = {
  fits: (value) => typeof value === "string" && /^[^:@\s]+$/.test(value),
  problem: "must be a name without blanks, colons and @",
};

const minute = 60_000;

/** The options with their defaults. @throws InvalidArgumentError */
export function readWorkerOptions(options: TurnWorkerOptions) {
  checkOptions("new TurnWorker()", options, keys);
  check("store", options.store, object);
  check("codexFor", options.codexFor, callback);
  checkFields(options, rules);
  checkBackend(options);
  const { parts = {}, retainMs = 60 * minute, maxBytesPerTurn = 4 * 1_048_576 } = options;
  readPartOptions("TurnWorker", parts);
  const resolved = {
    ...options,
    name: options.name ?? "turns",
    host: options.host ?? hostname(),
    concurrency: options.concurrency ?? 4,
    lockDuration: options.lockDuration ?? 30_000,
    stalledInterval: options.stalledInterval ?? 15_000,
    hostAliveMs: options.hostAliveMs ?? minute,
    serverBackMs: options.serverBackMs ?? minute,
    answerWithinMs: options.answerWithinMs ?? 10 * minute,
    batchMs: options.batchMs ?? 50,
    whenLockLost: options.whenLockLost ?? "handOver",
    onError: troubleListener(options.onError),
    parts,
    retainMs,
    limits: { retainMs, maxBytes: maxBytesPerTurn },
  };
  checkName(resolved.name);
  check("host", resolved.host, hostRule);
  return resolved;
}

export type WorkerSettings = ReturnType<typeof readWorkerOptions>;
