import { checkOptions, type KeysOf } from "../../../errors/check-options.js";
import {
  check,
  checkFields,
  milliseconds,
  whole,
  type Rule,
} from "../../../errors/check-values.js";
import { readKeepTimes, type KeepTimes } from "../keep-times.js";

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

const keys: KeysOf<PostgresFleetStoreOptions> = {
  postgres: true,
  schema: true,
  callTimeoutMs: true,
  maxConnections: true,
  keepSilentStreamsMs: true,
  keepJobsMs: true,
  keepThreadsMs: true,
};

const postgres: Rule = {
  fits: (value) =>
    typeof value === "string"
      ? /^postgres(ql)?:\/\/./.test(value) && URL.canParse(value)
      : typeof value === "object" && value !== null && !Array.isArray(value),
  problem: "must be a URL that begins with postgres:// or postgresql://, or options of pg",
};

const schema: Rule = {
  fits: (value) => typeof value === "string" && /^[a-z_][a-z0-9_]{0,49}$/.test(value),
  problem: "must be 1 to 50 small letters, digits and underscores, and not begin with a digit",
};

/** The options with their defaults. @throws InvalidArgumentError */
export function readPostgresOptions(options: PostgresFleetStoreOptions) {
  checkOptions("new PostgresFleetStore()", options, keys);
  check("postgres", options.postgres, postgres);
  checkFields(options, { schema, callTimeoutMs: milliseconds, maxConnections: whole(1) });
  const { postgres: target, schema: name = "codex_fleet" } = options;
  const { callTimeoutMs = 5_000, maxConnections = 4 } = options;
  const config = typeof target === "string" ? { connectionString: target } : target;
  return { config, schema: name, callTimeoutMs, maxConnections, keep: readKeepTimes(options) };
}
