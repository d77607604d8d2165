import type { RunCommand, RunOptions } from "../run-command.js";

export type NpmOptions = RunOptions & {
  readonly run: RunCommand;
  /** How long the registry may take to answer, each of two times, before it counts as unreachable (ms). */
  readonly answerTimeoutMs?: number;
};

const noNetwork =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT|network timeout)\b/;

/** npm found no way to the registry. */
export class RegistryUnreachableError extends Error {
  constructor(code: string, options?: ErrorOptions) {
    const advice = "Check the network and npm's settings.";
    super(`npm cannot reach the registry (${code}). ${advice}`, options);
  }
}

/** Runs npm. Throws a RegistryUnreachableError where it has no network. */
export async function runNpm(
  args: readonly string[],
  { run, ...options }: Omit<NpmOptions, "answerTimeoutMs">,
): Promise<string> {
  // By itself, npm would try for minutes where there is no network.
  const retries = ["--fetch-retries", "1", "--fetch-retry-mintimeout", "1000"];
  try {
    return await run("npm", [...args, ...retries], options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const code = noNetwork.exec(error instanceof Error ? error.message : "")?.[1];
    throw code === undefined ? error : new RegistryUnreachableError(code, { cause: error });
  }
}

/** One field of a package in the registry; `undefined` where there is no such package or field. */
export async function npmView(
  spec: string,
  field: string,
  { answerTimeoutMs = 30_000, ...options }: NpmOptions,
): Promise<unknown> {
  // By itself, npm would wait for five minutes, and then once more.
  const view = ["view", spec, field, "--json", "--fetch-timeout", String(answerTimeoutMs)];
  const text = await runNpm(view, options).catch((error: unknown) => {
    if (error instanceof Error && /\bE404\b/.test(error.message)) return "";
    throw error;
  });
  // npm prints nothing at all for a field that does not exist.
  return text.trim() === "" ? undefined : (JSON.parse(text) as unknown);
}

/**
 * The registry's checksum of a package, `"sha512-<base64>"`; `undefined` where there is no such package. Throws
 * for a package that has none.
 */
export async function npmChecksum(spec: string, options: NpmOptions): Promise<string | undefined> {
  const integrity = await npmView(spec, "dist.integrity", options);
  if (integrity === undefined) return undefined;
  if (typeof integrity === "string" && integrity.startsWith("sha512-")) return integrity;
  throw new Error(`The registry has no sha512 checksum of ${spec}.`);
}
