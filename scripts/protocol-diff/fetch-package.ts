import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { readJsonObject } from "../../lib/runtime/files.js";
import type { RunCommand } from "./run-command.js";
import { runNpm } from "./run-npm.js";

/** How far a package has come. */
export type PackageProgress =
  | { readonly stage: "asking" | "verifying" | "unpacking" }
  /** How much has arrived; npm does not say of how much. */
  | { readonly stage: "downloading"; readonly bytes: number };

export interface FetchPackageOptions {
  /** The checksum that the tarball must have, `"sha512-<base64>"`. */
  readonly integrity: string;
  /** The platform whose runtime must be in it, such as `"x86_64-unknown-linux-musl"`. */
  readonly triple: string;
  /** An empty folder to work in; the unpacked package stays in it. */
  readonly workDir: string;
  readonly run: RunCommand;
  readonly onProgress?: ((progress: PackageProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How often is looked at how much has arrived (ms). */
const interval = 500;

/**
 * Downloads `package@version` of one platform's runtime with npm, holds it against its checksum and
 * unpacks it. Resolves with the folder of the runtime, `<workDir>/package/vendor/<triple>`. Throws for
 * a tarball with another checksum, and for one in another layout than ours.
 */
export async function fetchPackage(spec: string, options: FetchPackageOptions): Promise<string> {
  const { integrity, triple, workDir, run, onProgress, signal } = options;
  const cache = path.join(workDir, "npm-cache");
  await withProgress(cache, onProgress, () =>
    // A cache of its own shows how much has arrived, and does not keep the package twice.
    runNpm(["pack", spec, "--pack-destination", workDir, "--cache", cache], {
      cwd: workDir,
      run,
      signal,
    }),
  );
  const tarball = path.join(workDir, await onlyTarball(workDir, spec));
  onProgress?.({ stage: "verifying" });
  if ((await sha512Of(tarball, signal)) !== integrity) {
    throw new Error(
      `The tarball of ${spec} does not have the checksum that the registry states. Try again; if it stays so, do not use it.`,
    );
  }
  onProgress?.({ stage: "unpacking" });
  await run("tar", ["-xzf", tarball], { cwd: workDir, signal });
  const runtime = path.join(workDir, "package", "vendor", triple);
  const description = await readJsonObject(path.join(runtime, "codex-package.json"));
  if (description?.target !== triple) {
    throw new Error(`${spec} does not hold a runtime for ${triple} in the layout we know.`);
  }
  return runtime;
}

async function withProgress(
  cache: string,
  onProgress: FetchPackageOptions["onProgress"],
  download: () => Promise<unknown>,
): Promise<void> {
  if (!onProgress) {
    await download();
    return;
  }
  onProgress({ stage: "downloading", bytes: 0 });
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(async () => {
      onProgress({ stage: "downloading", bytes: await sizeOf(cache) });
    });
  }, interval);
  try {
    await download();
  } finally {
    clearInterval(timer);
    await looking;
  }
}

/** Files come and go meanwhile. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(path.join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function onlyTarball(directory: string, spec: string): Promise<string> {
  const tarballs = (await readdir(directory)).filter((name) => name.endsWith(".tgz"));
  const [tarball] = tarballs;
  if (tarball === undefined || tarballs.length > 1) {
    throw new Error(`npm pack ${spec} left ${tarballs.length} tarballs instead of one.`);
  }
  return tarball;
}

async function sha512Of(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(file), hash, { ...(signal && { signal }) });
  return `sha512-${hash.digest("base64")}`;
}
