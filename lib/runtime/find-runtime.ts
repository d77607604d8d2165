import path from "node:path";
import { BinaryNotFoundError, SpawnError } from "../errors/start-errors.js";
import { archiveOf, onDisk, showsArchives } from "./asar.js";
import { findBundle, findPackageRoot } from "./bundle.js";
import { environmentVariable } from "./child-env.js";
import { isShortage, kindOf, resolveLinks } from "./files.js";
import { adviceFor, adviceForArchive, installCommand } from "./get-runtime.js";
import { mainScript } from "./main-script.js";
import { codexPackageBehind, findInstalled, readCodexPackage } from "./npm-package.js";
import { ownDirectory } from "./own-directory.js";
import { isBareName, lookUpOnPath } from "./path-lookup.js";
import { runtimeTarget, runtimeTargets, type RuntimeTarget } from "./platform.js";
import { programProblem } from "./program-format.js";
import { explainSpawnFailure } from "./spawn-failure.js";
import { helperDirBeside, type Finding } from "./vendor-tree.js";

/** A codex executable, and where it came from. */
export interface Runtime {
  /** Absolute path of the executable. */
  readonly command: string;
  /** Directory of the programs the runtime expects on its PATH, such as `rg`. */
  readonly helperDir: string | undefined;
  readonly source: "codexPath" | "CODEX_PATH" | "vendor-bin" | "npm";
}

export interface FindRuntimeOptions {
  /** The caller's own choice: a path, or a bare name that is looked up on the PATH of `env`. */
  readonly codexPath?: string | undefined;
  /** The environment that has `CODEX_PATH` and `PATH`. */
  readonly env: NodeJS.ProcessEnv;
  /** The start of relative paths. Default: the working directory of this process. */
  readonly cwd?: string | undefined;
  /** Default: those of this process. */
  readonly platform?: NodeJS.Platform | undefined;
  readonly arch?: string | undefined;
  /** Root of this package, with `vendor-bin/`. Default: the package this module is part of. */
  readonly packageRoot?: string | undefined;
  /**
   * Where the search for `node_modules` starts, in order. Default: the directory of this library's
   * code, then that of the main script. Never the working directory: an agent's server may well run
   * inside a repository that nobody has vetted, and its `node_modules` must not choose the program we
   * start.
   */
  readonly startDirs?: readonly string[] | undefined;
  /** Whether this process shows Electron archives as directories. Default: whether it is Electron's. */
  readonly showsArchives?: boolean | undefined;
}

/**
 * Finds the codex executable: `codexPath`, then `CODEX_PATH`, then the bundle in `vendor-bin/`, then
 * the native binary of the installed `@openai/codex`. The first two are taken at their word: when
 * one of them names nothing that exists, that is an error and the search ends.
 *
 * @throws BinaryNotFoundError when there is none, with every place tried and how to get one.
 * @throws SpawnError when there is one that this machine cannot run, or when too many files are open
 * to look for one.
 */
export async function findRuntime(options: FindRuntimeOptions): Promise<Runtime> {
  const { platform = process.platform, arch = process.arch } = options;
  const machine = { platform, arch, target: runtimeTarget(platform, arch) };
  let runtime: Runtime;
  try {
    runtime = (await findChosen(options, machine)) ?? (await findShipped(options, machine));
  } catch (error) {
    throw isShortage(error) ? explainSpawnFailure(error, "codex") : error;
  }
  const { command, source } = runtime;
  const archive = archiveOf(command);
  if (archive !== undefined && (options.showsArchives ?? showsArchives())) {
    const tried = [`${source}: ${command}: inside an archive`];
    throw new BinaryNotFoundError(tried, adviceForArchive(archive));
  }
  const problem = await programProblem(command, platform, arch);
  if (problem === undefined) return runtime;
  throw new SpawnError(
    command,
    `${problem} To start it regardless, use the launch option instead.`,
  );
}

interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  /** The release for it; undefined when there is none. */
  readonly target: RuntimeTarget | undefined;
}

async function findChosen(
  { codexPath, env, cwd = "" }: FindRuntimeOptions,
  machine: Machine,
): Promise<Runtime | undefined> {
  const { platform } = machine;
  const source = codexPath === undefined ? "CODEX_PATH" : "codexPath";
  const chosen = codexPath ?? environmentVariable(env, "CODEX_PATH", platform);
  if (chosen === undefined || chosen === "") return undefined;
  const file = isBareName(chosen, platform)
    ? await lookUpOnPath(chosen, env, platform)
    : await onDisk(path.resolve(cwd, chosen));
  const found: Finding =
    file === undefined
      ? { problem: `${chosen}: no program of that name on the PATH` }
      : await readChosenFile(file, machine);
  if ("program" in found) return { ...found.program, source };
  throw new BinaryNotFoundError(
    [`${source}: ${found.problem}`],
    `Correct ${source}, or leave it out and run: ${installCommand()}`,
  );
}

async function findShipped(options: FindRuntimeOptions, machine: Machine): Promise<Runtime> {
  const tried = ["codexPath: not given", "CODEX_PATH: not set"];
  const { target } = machine;
  if (target === undefined) throw new BinaryNotFoundError(tried, unsupported(machine));
  const own = await ownDirectory();
  const packageRoot = options.packageRoot ?? (own && (await findPackageRoot(own)));
  const bundle = await findBundle(packageRoot, target);
  if ("program" in bundle) return { ...bundle.program, source: "vendor-bin" };
  const startDirs = options.startDirs ?? (await startDirsFrom(own));
  const installed = await findInstalled(target, startDirs);
  if (installed.program !== undefined) return { ...installed.program, source: "npm" };
  throw new BinaryNotFoundError(
    [...tried, bundle.problem, ...installed.tried],
    adviceFor({
      archive: startDirs.map(archiveOf).find((archive) => archive !== undefined),
      isBundled: packageRoot === undefined,
      isIncomplete: installed.incomplete,
      place: startDirs[0],
    }),
  );
}

async function readChosenFile(file: string, { platform, target }: Machine): Promise<Finding> {
  const kind = await kindOf(file);
  if (kind === "missing") return { problem: `${file}: no such file` };
  if (kind === "directory") return { problem: `${file}: a directory, not an executable` };
  const codexPackage = await codexPackageBehind(file);
  if (codexPackage !== undefined && target !== undefined) {
    const found = await readCodexPackage(codexPackage, target);
    if ("program" in found) return found;
    return { problem: `${file}: the launcher of an incomplete installation; ${found.problem}` };
  }
  if (platform === "win32" && /\.(?:cmd|bat|ps1)$/i.test(file)) {
    return {
      problem: `${file}: a script, which Windows cannot start without a shell; name the codex.exe behind it`,
    };
  }
  return { program: { command: file, helperDir: await helperDirBeside(file) } };
}

/**
 * This library's own place first: a runtime beside it was installed for it. Then the main script, of an
 * application that has the library from elsewhere. It counts both with links resolved and as it was
 * named: what a package manager links into `node_modules/.bin` of an application lies in another tree.
 */
async function startDirsFrom(own: string | undefined): Promise<string[]> {
  const script = await mainScript(process);
  const places = script === undefined ? [] : [await resolveLinks(script), script];
  const directories = await Promise.all(
    places.map(async (place) =>
      (await kindOf(place)) === "directory" ? place : path.dirname(place),
    ),
  );
  return [...new Set([...(own === undefined ? [] : [own]), ...directories])];
}

function unsupported({ platform, arch }: Machine): string {
  const supported = runtimeTargets.map((each) => `${each.platform}/${each.arch}`).join(", ");
  return (
    `No codex release runs on ${platform}/${arch}; there are releases for ${supported}. ` +
    "Give codexPath a binary built for this machine, or connect to a server on another one."
  );
}
