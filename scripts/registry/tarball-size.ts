import type { RunCommand } from "../run-command.js";

/** How long a server may take to say how long a tarball is (ms). */
const timeout = 5_000;

/**
 * How long the tarball of a package is (bytes), as the registry says where npm downloads it from;
 * `undefined` where it does not, or cannot be reached without npm, behind a proxy say.
 */
export async function tarballSize(
  spec: string,
  { run, cwd, signal }: { run: RunCommand; cwd: string; signal: AbortSignal },
): Promise<number | undefined> {
  const url: unknown = JSON.parse(
    await run("npm", ["view", spec, "dist.tarball", "--json"], { cwd, signal }),
  );
  if (typeof url !== "string") return undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const { ok, headers } = await fetch(url, { method: "HEAD", signal: limit });
  const length = Number(headers.get("content-length"));
  return ok && Number.isSafeInteger(length) && length > 0 ? length : undefined;
}
