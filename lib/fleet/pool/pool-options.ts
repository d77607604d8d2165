import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import {
  callback,
  check,
  checkFields,
  milliseconds,
  whole,
  type Rule,
} from "../../errors/check-values.js";
import type { CodexConnectOptions, CodexOptions, CodexServerOptions } from "../../index.js";

/** The options of one tenant's `Codex`. */
export type TenantOptions = CodexOptions | CodexConnectOptions | CodexServerOptions;

/** Options of a `CodexPool`. */
export interface CodexPoolOptions {
  /**
   * Gives the options of a tenant's `Codex`, by the key that `get()` was called with: above all `codexHome`, a directory
   * of its own, and `env` with its secrets. It is called by the first `get()` of a key and remembered, but for what
   * it throws: that rejects this `get()` with a TenantOptionsError, and the next one calls it again.
   */
  readonly optionsFor: (key: string) => TenantOptions | Promise<TenantOptions>;
  /** How many servers may run at the same time, or how many connections to servers that run already. */
  readonly maxServers: number;
  /**
   * After how long a server that has nothing to do is ended, also when nobody needs its place (ms, default 300,000; `false`:
   * never). `idleShutdownMs` of a tenant's own options goes before it.
   */
  readonly idleMs?: number | false | undefined;
  /** How many turns and goals of all tenants together may run at the same time (default: any number). */
  readonly maxTurns?: number | undefined;
  /** How many turns and goals of one tenant may run at the same time (default: any number). */
  readonly maxTurnsPerTenant?: number | undefined;
  /**
   * How long a call may wait for a place: for its tenant's server, and a turn then for its own (ms, default 30,000;
   * `Infinity`: for ever; 0: a call for which there is no place is refused at once). Then it rejects with a
   * PoolFullError.
   */
  readonly waitMs?: number | undefined;
  /**
   * How many tenants may wait for a server, and how many turns of one tenant may wait to begin (default 1,000). More
   * are refused at once.
   */
  readonly maxWaiting?: number | undefined;
}

/** What a pool does at this moment. */
export interface PoolStats {
  /** The tenants that the pool knows, with a server or without. */
  readonly tenants: number;
  /** The servers that run, are being started or are being ended. */
  readonly servers: number;
  /** The turns and goals that run, and were begun through a handle. */
  readonly turns: number;
  /** The tenants that wait for a server. */
  readonly waitingForServer: number;
  /** The turns and goals that wait to begin. */
  readonly waitingForTurn: number;
}

const keys: KeysOf<CodexPoolOptions> = {
  optionsFor: true,
  maxServers: true,
  idleMs: true,
  maxTurns: true,
  maxTurnsPerTenant: true,
  waitMs: true,
  maxWaiting: true,
};

const falseOrTime: Rule = {
  fits: (value) => value === false || milliseconds.fits(value),
  problem: "must be a positive number of milliseconds, Infinity or false",
};

export const waitTime: Rule = {
  fits: (value) => typeof value === "number" && value >= 0,
  problem: "must be a number of milliseconds, 0 or more, or Infinity",
};

/** The options with their defaults. @throws InvalidArgumentError, which names the option. */
export function resolvePoolOptions(options: CodexPoolOptions) {
  checkOptions("CodexPool", options, keys);
  const { optionsFor, maxServers } = options;
  check("optionsFor", optionsFor, callback);
  check("maxServers", maxServers, whole(1, true));
  const { maxTurns = Infinity, maxTurnsPerTenant = Infinity } = options;
  const { idleMs = 300_000, waitMs = 30_000, maxWaiting = 1_000 } = options;
  const resolved = {
    optionsFor,
    maxServers,
    idleMs,
    maxTurns,
    maxTurnsPerTenant,
    waitMs,
    maxWaiting,
  };
  checkFields(resolved, {
    idleMs: falseOrTime,
    maxTurns: whole(1, true),
    maxTurnsPerTenant: whole(1, true),
    waitMs: waitTime,
    maxWaiting: whole(0, true),
  });
  return resolved;
}
