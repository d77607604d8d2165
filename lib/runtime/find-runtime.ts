import path from "node:path";
import { fileURLToPath } from "node:url";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { BinaryNotFoundError, SpawnError } from "../errors/start-errors.js";
import { findBundle, findPackageRoot } from "./bundle.js";
import { environmentVariable } from "./child-env.js";
import { kindOf, resolveLinks } from "./files.js";
import { codexPackageBehind } from "./npm-launcher.js";
import { findInstalled, readCodexPackage } from "./npm-package.js";
import { lookUpOnPath } from "./path-lookup.js";
import { runtimeTarget, runtimeTargets, type RuntimeTarget } from "./platform.js";
import { programProblem } from "./program-format.js";
import { helperDirBeside, type Finding, type Program } from "./vendor-tree.js";

/** A codex executable, and where it came from. */
export interface Runtime {
  /** Absolute path of the executable. */
  readonly command: string;
  /** What must stand before every other argument; empty so far. */
  readonly args: readonly string[];
  /** Directory of the programs the runtime expects on its PATH, such as `rg`. */
  readonly helperDir: string | undefined;
  readonly source: "codexPath" | "CODEX_PATH" | "vendor-bin" | "npm";
}

export interface FindRuntimeOptions {
  /** The caller's own choice: a path, or a bare name that is looked up on the PATH of `env`. */
  readonly codexPath?: string | undefined;
  /** Where `CODEX_PATH` and `PATH` are read. */
  readonly env: NodeJS.ProcessEnv;
  /** What a relative path is relative to. Default: the working directory of this process. */
  readonly cwd?: string | undefined;
  /** Default: those of this process. */
  readonly platform?: NodeJS.Platform | undefined;
  readonly arch?: string | undefined;
  /** Root of this package, with `vendor-bin/`. Default: the package this module is part of. */
  readonly packageRoot?: string | undefined;
  /**
   * Where the search for `node_modules` starts, in order. Default: the directory of the main script,
   * then that of this module. Never the working directory: an agent's server may well run inside a
   * repository that nobody has vetted, and its `node_modules` must not choose the program we start.
   */
  readonly startDirs?: readonly string[] | undefined;
}

/**
 * Finds the codex executable: `codexPath`, then `CODEX_PATH`, then the bundle in `vendor-bin/`, then
 * the native binary of the installed `@openai/codex`. The first two are taken at their word: when
 * one of them names nothing that exists, that is an error and the search ends.
 *
 * @throws BinaryNotFoundError when there is none, with every place tried and how to get one.
 * @throws SpawnError when there is one that this machine cannot run.
 */
export async function findRuntime(options: FindRuntimeOptions): Promise<Runtime> {
  const host = {
    platform: options.platform ?? process.platform,
    arch: options.arch ?? process.arch,
  };
  const runtime = (await findChosen(options, host)) ?? (await findShipped(options, host));
  const problem = await programProblem(runtime.command, host.platform, host.arch);
  if (problem !== undefined) {
    throw new SpawnError(
      runtime.command,
      `${problem} To start it regardless, use the launch option instead.`,
    );
  }
  return runtime;
}

interface Host {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
}

async function findChosen(options: FindRuntimeOptions, host: Host): Promise<Runtime | undefined> {
  const fromEnv = environmentVariable(options.env, "CODEX_PATH", host.platform);
  const source = options.codexPath === undefined ? "CODEX_PATH" : "codexPath";
  const chosen = options.codexPath ?? fromEnv;
  if (chosen === undefined || chosen === "") return undefined;
  const found = isBareName(chosen, host)
    ? await findByName(chosen, options.env, host)
    : await readChosenFile(path.resolve(options.cwd ?? process.cwd(), chosen), host);
  if ("program" in found) return { ...found.program, args: [], source };
  throw new BinaryNotFoundError(
    [`${source}: ${found.problem}`],
    `Correct ${source}, or leave it out and run: ${installCommand()}`,
  );
}

async function findShipped(options: FindRuntimeOptions, host: Host): Promise<Runtime> {
  const tried = ["codexPath: not given", "CODEX_PATH: not set"];
  const target = runtimeTarget(host.platform, host.arch);
  if (target === undefined) throw new BinaryNotFoundError(tried, unsupported(host));
  const packageRoot = options.packageRoot ?? (await findPackageRoot(ownDirectory() ?? path.sep));
  const bundle = await findBundle(packageRoot, target);
  if ("program" in bundle) return { ...bundle.program, args: [], source: "vendor-bin" };
  const installed = await findInstalled(target, options.startDirs ?? (await defaultStartDirs()));
  if (installed.found !== undefined && "program" in installed.found) {
    return { ...installed.found.program, args: [], source: "npm" };
  }
  throw new BinaryNotFoundError(
    [...tried, bundle.problem, ...installed.tried],
    `Run: ${installCommand(installed.incomplete)}`,
  );
}

function isBareName(chosen: string, { platform }: Host): boolean {
  return !chosen.includes("/") && !(platform === "win32" && chosen.includes("\\"));
}

async function findByName(name: string, env: NodeJS.ProcessEnv, host: Host): Promise<Finding> {
  const file = await lookUpOnPath(name, env, host.platform);
  return file === undefined
    ? { problem: `${name}: no program of that name on the PATH` }
    : readChosenFile(file, host);
}

async function readChosenFile(file: string, host: Host): Promise<Finding> {
  const kind = await kindOf(file);
  if (kind === "missing") return { problem: `${file}: no such file` };
  if (kind === "directory") return { problem: `${file}: a directory, not an executable` };
  const codexPackage = await codexPackageBehind(file);
  const target = runtimeTarget(host.platform, host.arch);
  if (codexPackage !== undefined && target !== undefined) {
    return readBehindLauncher(file, codexPackage, target);
  }
  if (host.platform === "win32" && /\.(?:cmd|bat|ps1)$/i.test(file)) {
    return {
      problem: `${file}: a script, which Windows cannot start without a shell; name the codex.exe behind it`,
    };
  }
  return { program: await asProgram(file) };
}

async function readBehindLauncher(
  file: string,
  codexPackage: string,
  target: RuntimeTarget,
): Promise<Finding> {
  const found = await readCodexPackage(codexPackage, target);
  return "program" in found
    ? found
    : { problem: `${file}: the launcher of an incomplete installation; ${found.problem}` };
}

async function asProgram(command: string): Promise<Program> {
  return { command, helperDir: await helperDirBeside(command) };
}

/**
 * The main script both as it was named and with links resolved: `node_modules/.bin` of an
 * application, and the store of a package manager, lie in different trees.
 */
async function defaultStartDirs(): Promise<string[]> {
  const main = process.argv[1];
  const files =
    main === undefined ? [] : [path.resolve(main), await resolveLinks(path.resolve(main))];
  const own = ownDirectory();
  return [
    ...new Set([...files.map((file) => path.dirname(file)), ...(own === undefined ? [] : [own])]),
  ];
}

/** Directory of this module, or `undefined` once a bundler has turned it into CommonJS. */
function ownDirectory(): string | undefined {
  try {
    return path.dirname(fileURLToPath(import.meta.url));
  } catch {
    return undefined;
  }
}

function installCommand(incomplete = false): string {
  const flag = incomplete ? "--include=optional " : "";
  return `npm install ${flag}@openai/codex@${RUNTIME_VERSION}`;
}

function unsupported({ platform, arch }: Host): string {
  const supported = runtimeTargets.map((each) => `${each.platform}/${each.arch}`).join(", ");
  return (
    `No codex release runs on ${platform}/${arch}; there are releases for ${supported}. ` +
    "Give codexPath a binary built for this machine, or connect to a server on another one."
  );
}
