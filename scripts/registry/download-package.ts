import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { RunCommand } from "../run-command.js";
import { runNpm } from "./run-npm.js";

/** One package of the registry, and the checksum that its tarball must have: `"sha512-<base64>"`. */
export interface Package {
  /** Such as `"@openai/codex@1.2.3-linux-x64"`. */
  readonly spec: string;
  readonly integrity: string;
}

/** Is told what is being downloaded, how much has arrived, and of how much where that is known (bytes). */
export type OnProgress = (spec: string, bytes: number, total: number | undefined) => void;

export interface DownloadOptions {
  readonly run: RunCommand;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Asks how long the tarball is (bytes), for the progress only. Default: nobody knows. */
  readonly sizeOf?:
    ((spec: string, signal: AbortSignal) => Promise<number | undefined>) | undefined;
}

/** How often is looked at how much has arrived (ms). */
const interval = 500;

/**
 * Downloads a package with npm, holds it against its checksum and unpacks it into a folder that must not
 * be there yet. Throws for a tarball that is not the published one; then nothing of it is left.
 */
export async function downloadPackage(
  { spec, integrity }: Package,
  folder: string,
  options: DownloadOptions,
): Promise<void> {
  const { run, signal } = options;
  await mkdir(folder, { recursive: true });
  const work = `${folder}.download`;
  // A cache of its own shows how much has arrived, and does not keep 170 MB for good.
  const cache = path.join(work, "cache");
  await mkdir(cache, { recursive: true });
  try {
    const pack = ["pack", spec, "--pack-destination", work, "--cache", cache];
    await withProgress(spec, cache, options, () =>
      runNpm(pack, { cwd: work, run, signal }).catch((error: unknown) => {
        throw isForged(error) ? notThePublishedOne(spec) : error;
      }),
    );
    const tarball = path.join(work, await onlyTarball(work, spec));
    await verify(tarball, integrity, spec, signal);
    // Not as the user of the machine that packed it, which tar would keep for root.
    const unpack = ["--no-same-owner", "-xzf", tarball, "-C", folder, "--strip-components", "1"];
    await run("tar", unpack, { cwd: work, signal });
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    throw error;
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function withProgress(
  spec: string,
  cache: string,
  { onProgress, sizeOf, signal }: DownloadOptions,
  download: () => Promise<unknown>,
): Promise<void> {
  if (!onProgress) {
    await download();
    return;
  }
  onProgress(spec, 0, undefined);
  const ended = new AbortController();
  let total: number | undefined;
  const either = AbortSignal.any([ended.signal, ...(signal ? [signal] : [])]);
  void sizeOf?.(spec, either).then(
    (size) => (total = size),
    () => undefined,
  );
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(async () => {
      onProgress(spec, await bytesIn(cache), total);
    });
  }, interval);
  try {
    await download();
  } finally {
    clearInterval(timer);
    ended.abort();
    await looking;
  }
}

/** Files come and go meanwhile. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = files.map((entry) => stat(path.join(entry.parentPath, entry.name)));
  const settled = await Promise.allSettled(sizes);
  return settled.reduce((sum, one) => sum + (one.status === "fulfilled" ? one.value.size : 0), 0);
}

async function onlyTarball(directory: string, spec: string): Promise<string> {
  const tarballs = (await readdir(directory)).filter((name) => name.endsWith(".tgz"));
  const [tarball] = tarballs;
  if (tarball === undefined || tarballs.length > 1) {
    throw new Error(`npm pack ${spec} left ${tarballs.length} tarballs instead of one.`);
  }
  return tarball;
}

async function verify(
  tarball: string,
  integrity: string,
  spec: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(tarball), hash, { ...(signal && { signal }) }).catch(
    (error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    },
  );
  if (`sha512-${hash.digest("base64")}` !== integrity) throw notThePublishedOne(spec);
}

/** npm holds what it downloads against the checksum that it was told itself. */
function isForged(error: unknown): boolean {
  return (
    error instanceof Error && /\b(EINTEGRITY|TAR_BAD_ARCHIVE|Z_BUF_ERROR)\b/.test(error.message)
  );
}

function notThePublishedOne(spec: string): Error {
  return new Error(
    `The tarball of ${spec} does not have the checksum that the registry states. ` +
      "It was cut off or tampered with: try again, and if it stays so, do not use it.",
  );
}
