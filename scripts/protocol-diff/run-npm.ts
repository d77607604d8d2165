import type { RunCommand, RunOptions } from "./run-command.js";

const noNetwork =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT)\b/;

/** Runs npm. Throws an error that says what to do when npm cannot reach the registry. */
export async function runNpm(
  args: readonly string[],
  { run, ...options }: RunOptions & { readonly run: RunCommand },
): Promise<string> {
  try {
    // By itself, npm would try for more than a minute without a network.
    return await run("npm", [...args, "--fetch-retries", "1", "--loglevel", "error"], options);
  } catch (error) {
    options.signal?.throwIfAborted();
    const code = noNetwork.exec(error instanceof Error ? error.message : "")?.[1];
    if (code === undefined) throw error;
    throw new Error(
      `npm cannot reach the registry (${code}). Check the network and npm's settings, or take a release that is installed or fetched already, or the path of a binary.`,
      { cause: error },
    );
  }
}

/** One field of a package in the registry; `undefined` where there is no such package or field. */
export async function npmView(
  spec: string,
  field: string,
  options: RunOptions & { readonly run: RunCommand },
): Promise<unknown> {
  const text = await runNpm(["view", spec, field, "--json"], options).catch((error: unknown) => {
    if (error instanceof Error && /\bE404\b/.test(error.message)) return "";
    throw error;
  });
  // npm prints nothing at all for a field that does not exist.
  return text.trim() === "" ? undefined : (JSON.parse(text) as unknown);
}
