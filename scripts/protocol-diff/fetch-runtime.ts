import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { kindOf, readJsonObject } from "../../lib/runtime/files.js";
import { runtimeTarget, type RuntimeTarget } from "../../lib/runtime/platform.js";
import { readVendorTree } from "../../lib/runtime/vendor-tree.js";
import { findBinary } from "../generate/run-binary.js";
import { downloadPackage, type OnProgress } from "../registry/download-package.js";
import { isExactVersion } from "../registry/exact-version.js";
import {
  npmChecksum,
  npmView,
  RegistryUnreachableError,
  type NpmOptions,
} from "../registry/run-npm.js";
import { isRunning } from "../process-start.js";
import { runCommand, type RunCommand } from "../run-command.js";
import { checkTarget } from "../registry/check-target.js";

export interface FetchRuntimeOptions {
  /** Is told twice a second how much has arrived. */
  readonly onProgress?: OnProgress | undefined;
  /** Ends the download; what was begun is removed, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** The project whose installed runtime and `.cache/runtimes/` are used. Default: this one. */
  readonly root?: string | undefined;
  /** The machine to fetch for. Default: this one. */
  readonly platform?: NodeJS.Platform | undefined;
  readonly arch?: string | undefined;
  /** How npm and tar are run. */
  readonly run?: RunCommand | undefined;
}

const here = path.resolve(import.meta.dirname, "..", "..");
/** The last file that is written: without it, the folder is none of ours. */
const marker = ".integrity";

/**
 * The native binary of an exact release of codex for this machine. The installed one is used where it
 * has that version, then the one in `.cache/runtimes/<version>/`; only else is it downloaded, with npm,
 * and held against the registry's checksum. Two processes may fetch the same release at once, and a
 * process that is killed leaves nothing that a later one would take for a runtime.
 *
 * Throws for what is no exact version, for a release that does not exist or has no package for this
 * machine, when npm cannot reach the registry, and for a tarball that is not the published one.
 */
export async function fetchRuntime(
  version: string,
  options: FetchRuntimeOptions = {},
): Promise<string> {
  const {
    platform = process.platform,
    arch = process.arch,
    root = here,
    run = runCommand,
  } = options;
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  if (!isExactVersion(version)) {
    throw new Error(`"${version}" is no exact version of codex, such as 0.171.0.`);
  }
  const target = runtimeTarget(platform, arch);
  if (!target) throw new Error(`There is no codex for ${platform}/${arch}.`);
  const isHere = platform === process.platform && arch === process.arch;
  const installed = isHere ? await installedBinary(root, version) : undefined;
  if (installed !== undefined) return installed;

  const cache = path.join(root, ".cache", "runtimes");
  const place = path.join(cache, version, target.triple);
  const there = await readFetched(place, target);
  if (there !== undefined) return there;

  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  // Beside the place itself: a rename works only within one file system.
  const workDir = await mkdtemp(path.join(cache, workName()));
  try {
    const asked = { version, target, machine: `${platform}/${arch}` };
    const each = await readPackage(asked, { cwd: workDir, run, signal });
    const folder = path.join(workDir, "package");
    await downloadPackage(each, folder, { run, signal, onProgress });
    const fresh = path.join(folder, "vendor", target.triple);
    await checkTarget(fresh, target.triple, each.spec);
    const { integrity } = each;
    await writeFile(path.join(fresh, marker), `${integrity}\n`);
    await moveInto(fresh, place, path.join(workDir, "replaced"));
  } catch (error) {
    if (!(error instanceof RegistryUnreachableError)) throw error;
    const way = "Or take a release that is installed or fetched already, or the path of a binary.";
    throw new Error(`${error.message} ${way}`, { cause: error });
  } finally {
    await rm(workDir, { recursive: true, force: true, maxRetries: 5 });
  }
  const fetched = await readFetched(place, target);
  if (fetched === undefined) throw new Error(`${place} holds no runtime; remove it and try again.`);
  return fetched;
}

interface Asked {
  readonly version: string;
  readonly target: RuntimeTarget;
  /** The machine as a user would call it, such as `"linux/x64"`. */
  readonly machine: string;
}

/** The package with a machine's binaries. Throws, saying which it is, for one that is not in the registry. */
async function readPackage({ version, target, machine }: Asked, options: NpmOptions) {
  const spec = `@openai/codex@${version}-${target.packageName.replace("@openai/codex-", "")}`;
  const integrity = await npmChecksum(spec, options);
  if (integrity !== undefined) return { spec, integrity };
  if ((await npmView(`@openai/codex@${version}`, "version", options)) === undefined) {
    throw new Error(`There is no release ${version} of @openai/codex.`);
  }
  throw new Error(`@openai/codex ${version} has no package for ${machine}.`);
}

async function installedBinary(root: string, version: string): Promise<string | undefined> {
  const name = path.join(root, "node_modules", "@openai", "codex", "package.json");
  if ((await readJsonObject(name))?.["version"] !== version) return undefined;
  // The platform's package is an optional one, and may be missing.
  return findBinary(path.join(root, "package.json")).catch(() => undefined);
}

async function readFetched(place: string, target: RuntimeTarget): Promise<string | undefined> {
  if (!(await isMarked(place))) return undefined;
  const found = await readVendorTree(place, target);
  return "program" in found ? found.program.command : undefined;
}

/** Another process may put the same there meanwhile; its runtime is as good as ours. */
async function moveInto(fresh: string, place: string, aside: string): Promise<void> {
  await mkdir(path.dirname(place), { recursive: true });
  try {
    await rename(fresh, place);
  } catch (error) {
    if (await isMarked(place)) return;
    // What is there without our mark is no runtime of ours.
    await rename(place, aside).catch(() => Promise.reject(error as Error));
    await rename(fresh, place);
  }
}

async function isMarked(place: string): Promise<boolean> {
  return (await kindOf(path.join(place, marker))) === "file";
}

const workPrefix = ".fetch-";

/** Names the process that works there, and its machine, since a cache may be shared. */
function workName(): string {
  return `${workPrefix}${hostname()}-${process.pid}-`;
}

/** A process that was killed could not remove its 400 MB. */
async function removeLeftovers(cache: string): Promise<void> {
  const ours = `${workPrefix}${hostname()}-`;
  for (const name of await readdir(cache)) {
    if (!name.startsWith(ours)) continue;
    const pid = Number(name.slice(ours.length).split("-")[0]);
    if (Number.isInteger(pid) && !(await isRunning(pid, undefined))) {
      await rm(path.join(cache, name), { recursive: true, force: true });
    }
  }
}
