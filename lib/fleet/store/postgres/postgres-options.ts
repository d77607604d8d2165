import { checkOptions } from "../../../errors/check-options.js";
import {
  check,
  checkFields,
  whole,
  type Rule,
  type RulesOf,
} from "../../../errors/check-values.js";
import type { KeepTimes } from "../keep-times.js";
import { addressRule, readStoreOptions, storeRules } from "../store-options.js";

/** Options of a `PostgresFleetStore`. */
export interface PostgresFleetStoreOptions extends KeepTimes {
  /** Which PostgreSQL: a URL such as `"postgres://user:password@host:5432/database"`, or the options of pg's `Client`. */
  readonly postgres: string | object;
  /** The schema that the tables lie in, and which is made when it is not there (default `"codex_fleet"`). */
  readonly schema?: string | undefined;
  /** How long a call may take, waiting for a connection included, before it rejects (ms; default 5,000). */
  readonly callTimeoutMs?: number | undefined;
  /** How many connections calls share (default 4). One more hears of news when something waits for some. */
  readonly maxConnections?: number | undefined;
}

const schema: Rule = {
  fits: (value) => typeof value === "string" && /^[a-z_][a-z0-9_]{0,49}$/.test(value),
  problem: "must be 1 to 50 small letters, digits and underscores, and not begin with a digit",
};

const rules: RulesOf<PostgresFleetStoreOptions> = {
  ...storeRules,
  postgres: addressRule(["postgres", "postgresql"], ", or options of pg"),
  schema,
  maxConnections: whole(1),
};

/** The options with their defaults. @throws InvalidArgumentError */
export function readPostgresOptions(options: PostgresFleetStoreOptions) {
  checkOptions("new PostgresFleetStore()", options, rules);
  check("postgres", options.postgres, rules.postgres);
  checkFields(options, rules);
  const { postgres: target, schema: name = "codex_fleet", maxConnections = 4 } = options;
  const config = typeof target === "string" ? { connectionString: target } : target;
  return { config, schema: name, maxConnections, ...readStoreOptions(options) };
}
