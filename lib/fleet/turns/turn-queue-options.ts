import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import {
  check,
  checkFields,
  callback,
  object,
  bytes,
  anything,
  milliseconds,
} from "../../errors/check-values.js";
import type { Rule, RulesOf } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../index.js";
import type { FleetStore } from "../store/fleet-store.js";
import { troubleListener } from "./warn-of-trouble.js";

export interface TurnQueueOptions {
  /** What the machines know together. */
  readonly store: FleetStore;
  /** BullMQ's connection to Redis: an ioredis client, or options such as `{ host, port }`. */
  readonly connection?: object | undefined;
  /** For BullMQ's PostgreSQL backend instead: a `pg.Pool`, its options or a connection string. */
  readonly postgres?: object | string | undefined;
  /** The name of the queue (default `"turns"`), without colons and @. Each host has one beside it: `turns@<host>`. */
  readonly name?: string | undefined;
  /** How long the events of a job are kept after its end (ms; default 1 hour). */
  readonly retainMs?: number | undefined;
  /** How much is kept of the events of each turn (bytes, roughly; default 4 MiB). */
  readonly maxBytesPerTurn?: number | undefined;
  /** More options of BullMQ's `Queue`, such as `prefix` or `telemetry`. */
  readonly bullmq?: object | undefined;
  /** Gets what goes wrong beside the calls: a database that is away. Default: a warning. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const rules: RulesOf<TurnQueueOptions> = {
  store: object,
  connection: object,
  postgres: anything,
  name: anything,
  retainMs: milliseconds,
  maxBytesPerTurn: bytes,
  bullmq: object,
  onError: callback,
};
const keys: KeysOf<TurnQueueOptions> = rules;

const nameRule: Rule = {
  fits: (value) => typeof value === "string" && /^[^:@]+$/.test(value),
  problem: "must be a name without colons and @",
};

/** The options with their defaults. @throws InvalidArgumentError */
export function readQueueOptions(options: TurnQueueOptions) {
  checkOptions("new TurnQueue()", options, keys);
  check("store", options.store, object);
  checkFields(options, rules);
  checkBackend(options);
  const { name = "turns", retainMs = 3_600_000, maxBytesPerTurn = 4 * 1_048_576 } = options;
  checkName(name);
  const limits = { retainMs, maxBytes: maxBytesPerTurn };
  return { ...options, name, limits, onError: troubleListener(options.onError) };
}

export function checkName(name: unknown): void {
  check("name", name, nameRule);
}

/** Checks that there is one place for jobs, and not two. */
export function checkBackend({
  connection,
  postgres,
}: Pick<TurnQueueOptions, "connection" | "postgres">): void {
  if ((connection === undefined) !== (postgres === undefined)) return;
  throw new InvalidArgumentError("connection", "must be given, or postgres, and not both");
}
