/** Which PostgreSQL, and how it is used. */
export interface ClientConfigOptions {
  /** The options of pg's `Client`. */
  readonly config: object;
  readonly schema: string;
  readonly callTimeoutMs: number;
}

interface Given {
  readonly connectionString?: unknown;
  readonly options?: unknown;
}

/** What pg makes a connection with, on which names without a schema are those of ours. */
export function clientConfig({ config, schema, callTimeoutMs }: ClientConfigOptions): object {
  const given: Given = config;
  // What pg finds in the URL takes the place of what stands beside it.
  const { connectionString, options = given.options } = takeOptions(given.connectionString);
  const own = typeof options === "string" ? `${options} ` : "";
  return {
    application_name: "codex-fleet",
    ...config,
    ...(connectionString === undefined ? {} : { connectionString }),
    options: `${own}-c search_path=${schema}`,
    connectionTimeoutMillis: callTimeoutMs,
    query_timeout: callTimeoutMs,
    statement_timeout: callTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

/** Parts a URL from the options of the session that it has. */
function takeOptions(connectionString: unknown): Given {
  if (typeof connectionString !== "string" || !URL.canParse(connectionString)) {
    return { connectionString };
  }
  const url = new URL(connectionString);
  const options = url.searchParams.get("options");
  if (options === null) return { connectionString };
  url.searchParams.delete("options");
  return { connectionString: url.href, options };
}
