import path from "node:path";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { archiveOf, showsArchives } from "./asar.js";
import { checkLaunchOptions } from "./check-launch-options.js";
import { codexHomeInFull, prepareCodexHome, serverDirectories } from "./codex-home.js";
import { environmentVariable, mergeEnvironment, prependToPath } from "./child-env.js";
import { configArgs } from "./config-args.js";
import { kindOf } from "./files.js";
import { findCommand } from "./path-lookup.js";
import { findRuntime, type FindRuntimeOptions } from "./find-runtime.js";
import type { LaunchOptions } from "./launch-options.js";
import type { LaunchCommand } from "./launch-command.js";

/** The process to start the launch from; tests give their own. */
export type LaunchHost = Pick<
  FindRuntimeOptions,
  "platform" | "arch" | "packageRoot" | "startDirs"
> & { readonly env?: NodeJS.ProcessEnv | undefined };

/**
 * Turns launch options into a command line.
 *
 * @throws InvalidArgumentError for an option that cannot work; the message names it, not its value.
 * @throws BinaryNotFoundError when there is no runtime, or no program of the name in `launch`.
 * @throws SpawnError when the runtime is built for another machine.
 * @throws HandshakeError when no server could work with `codexHome`.
 */
export async function resolveLaunch(
  options: LaunchOptions = {},
  host: LaunchHost = {},
): Promise<LaunchCommand> {
  checkLaunchOptions(options);
  const platform = host.platform ?? process.platform;
  // There a process apart has no console, and what it starts opens windows.
  const isWindows = platform === "win32";
  const parent = host.env ?? process.env;
  const cwd = await resolveCwd(options.cwd);
  const env = childEnvironment(options, parent, platform);
  if (options.launch !== undefined) {
    const { args = [], detached = true } = options.launch;
    const command = await findCommand(options.launch.command, env, parent, platform);
    return {
      command,
      args: [...args],
      cwd,
      env,
      detached: detached && !isWindows,
      source: "launch",
    };
  }
  const codexHome =
    options.codexHome === undefined ? undefined : codexHomeInFull(options.codexHome, env);
  const config = configArgs(options.config ?? {});
  const overrides = (options.configOverrides ?? []).flatMap((override) => ["-c", override]);
  const { command, helperDir, source } = await findRuntime({
    ...host,
    codexPath: options.codexPath,
    env: mergeEnvironment(parent, options.env ?? {}, platform),
  });
  if (codexHome !== undefined) await prepareCodexHome(codexHome);
  const own = mergeEnvironment(env, codexHome ? { CODEX_HOME: codexHome } : {}, platform);
  return {
    command,
    args: ["app-server", ...config, ...overrides],
    cwd,
    env: helperDir === undefined ? own : prependToPath(own, helperDir, platform),
    detached: !isWindows,
    source,
  };
}

/**
 * The directories in which a server that is started like this keeps its data; none that only the caller's own command
 * line knows. Looks at the options alone.
 */
export function directoriesOf(options: LaunchOptions): readonly string[] {
  const { launch, codexHome, cwd = "" } = options;
  if (launch) {
    const named = [options.env?.CODEX_HOME, options.env?.CODEX_SQLITE_HOME];
    return named.flatMap((directory) => (directory ? path.resolve(cwd, directory) : []));
  }
  const inherited = childEnvironment(options, process.env, process.platform);
  const own = codexHome === undefined ? {} : { CODEX_HOME: codexHomeInFull(codexHome, inherited) };
  const env = mergeEnvironment(inherited, own, process.platform);
  const found = serverDirectories({ source: "codexPath", env, cwd: path.resolve(cwd) });
  return found ? [found.home.path, found.databases.path] : [];
}

function childEnvironment(
  { env = {}, inheritEnv = true }: LaunchOptions,
  parent: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): Record<string, string> {
  if (inheritEnv) return mergeEnvironment(parent, env, platform);
  const systemRoot = environmentVariable(parent, "SystemRoot", platform);
  const kept = platform === "win32" ? { SystemRoot: systemRoot } : {};
  return mergeEnvironment(kept, env, platform);
}

async function resolveCwd(cwd: string | undefined): Promise<string | undefined> {
  if (cwd === undefined) return undefined;
  const directory = path.resolve(cwd);
  const kind = await kindOf(directory);
  if (archiveOf(directory) !== undefined && showsArchives()) {
    throw new InvalidArgumentError(
      "cwd",
      "must be on the disk, not inside an archive of Electron.",
    );
  }
  if (kind === "directory") return directory;
  throw new InvalidArgumentError(
    "cwd",
    kind === "missing" ? "must exist." : "must be a directory, not a file.",
  );
}
