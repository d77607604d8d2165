import { checkOptions } from "../../../errors/check-options.js";
import { check, checkFields, type Rule, type RulesOf } from "../../../errors/check-values.js";
import type { KeepTimes } from "../keep-times.js";
import { addressRule, readStoreOptions, storeRules } from "../store-options.js";

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

const prefix: Rule = {
  fits: (value) => typeof value === "string" && /^[\w.:-]{1,100}$/.test(value),
  problem: "must be 1 to 100 letters, digits and the signs _ . : -",
};

const rules: RulesOf<RedisFleetStoreOptions> = {
  ...storeRules,
  redis: addressRule(["redis", "rediss"], ", options of ioredis, or an instance of it"),
  prefix,
};

/** The options with their defaults. @throws InvalidArgumentError */
export function readRedisOptions(options: RedisFleetStoreOptions) {
  checkOptions("new RedisFleetStore()", options, rules);
  check("redis", options.redis, rules.redis);
  checkFields(options, rules);
  const { redis: target, prefix: begin = "codex-fleet" } = options;
  return { target, prefix: begin, ...readStoreOptions(options) };
}

export function isIoredisInstance(target: object): target is IoredisInstance {
  return typeof (target as Partial<IoredisInstance>).duplicate === "function";
}
