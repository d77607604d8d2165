import { checkOptions, type KeysOf } from "../../../errors/check-options.js";
import { check, checkFields, milliseconds, type Rule } from "../../../errors/check-values.js";
import { readKeepTimes, type KeepTimes } from "../keep-times.js";

/** A `Redis` or a `Cluster` of ioredis. Only its options are used: the store makes connections of its own. */
export interface IoredisInstance {
  readonly options: object;
  duplicate(...overrides: never[]): unknown;
}

/** Options of a `RedisFleetStore`. */
export interface RedisFleetStoreOptions extends KeepTimes {
  /**
   * Which Redis: a URL such as `"redis://user:password@host:6379/0"`, the options of ioredis, or an instance of its
   * `Redis` or `Cluster`, which lends its options and stays yours.
   */
  readonly redis: string | object | IoredisInstance;
  /** What all keys begin with (default `"codex-fleet"`). */
  readonly prefix?: string | undefined;
  /** How long a call may take, waiting for a connection included, before it rejects (ms; default 5,000). */
  readonly callTimeoutMs?: number | undefined;
}

const keys: KeysOf<RedisFleetStoreOptions> = {
  redis: true,
  prefix: true,
  callTimeoutMs: true,
  keepSilentStreamsMs: true,
  keepJobsMs: true,
  keepThreadsMs: true,
};

const redis: Rule = {
  fits: (value) =>
    typeof value === "string"
      ? /^rediss?:\/\/./.test(value) && URL.canParse(value)
      : typeof value === "object" && value !== null && !Array.isArray(value),
  problem:
    "must be a URL that begins with redis:// or rediss://, options of ioredis, or an instance of it",
};

const prefix: Rule = {
  fits: (value) => typeof value === "string" && /^[\w.:-]{1,100}$/.test(value),
  problem: "must be 1 to 100 letters, digits and the signs _ . : -",
};

/** The options with their defaults. @throws InvalidArgumentError */
export function readRedisOptions(options: RedisFleetStoreOptions) {
  checkOptions("new RedisFleetStore()", options, keys);
  check("redis", options.redis, redis);
  checkFields(options, { prefix, callTimeoutMs: milliseconds });
  const { redis: target, prefix: begin = "codex-fleet", callTimeoutMs = 5_000 } = options;
  return { target, prefix: begin, callTimeoutMs, keep: readKeepTimes(options) };
}

export function isIoredisInstance(target: object): target is IoredisInstance {
  return typeof (target as Partial<IoredisInstance>).duplicate === "function";
}
