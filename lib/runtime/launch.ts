import path from "node:path";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { archiveOf, showsArchives } from "./asar.js";
import { checkLaunchOptions } from "./check-launch-options.js";
import { prepareCodexHome } from "./codex-home.js";
import { environmentVariable, mergeEnvironment, prependToPath } from "./child-env.js";
import { configArgs, type ConfigObject } from "./config-args.js";
import { kindOf } from "./files.js";
import { findCommand } from "./find-command.js";
import { homeOf } from "./home-of.js";
import { findRuntime, type FindRuntimeOptions, type Runtime } from "./find-runtime.js";

export type { ConfigObject, ConfigValue } from "./config-args.js";

/** A command line of the caller's own. */
export interface LaunchCommandLine {
  readonly command: string;
  /** Default: none. */
  readonly args?: readonly string[] | undefined;
  /**
   * Whether the process gets a session and a process group of its own (default true). Then a Ctrl-C on
   * the terminal reaches this process alone, which decides what becomes of its turns. With `false` it
   * shares the terminal: a command that asks for a password, such as ssh or sudo, can do so, and a
   * Ctrl-C ends it. Without effect on Windows, where a process is always in the console of this one.
   */
  readonly detached?: boolean | undefined;
}

/** Which app-server to start, and how. */
export interface LaunchOptions {
  /**
   * The codex executable: a path (a relative one starts at this process's working directory), or a
   * bare name such as `"codex"`, which is looked up on the PATH, relative entries left out. Where that
   * leads to the Node launcher of `@openai/codex`, the native binary behind it is used.
   *
   * Default: the environment variable `CODEX_PATH`, read like this option; otherwise a runtime
   * bundled with this package; otherwise the one inside the installed `@openai/codex`.
   */
  readonly codexPath?: string | undefined;
  /**
   * A command line of your own in place of the whole one this library would make, e.g.
   * `{ command: "docker", args: ["run", "-i", "my-image", "codex", "app-server"] }`. There is no shell;
   * what it starts must speak the protocol on its stdin and stdout. `command` is a path (a relative
   * one starts at this process's working directory), or a bare name that is looked up on the PATH
   * which the process gets. It cannot be combined with `codexPath`, `config` or `configOverrides`.
   */
  readonly launch?: LaunchCommandLine | undefined;
  /**
   * The directory in which the server keeps its configuration, its logins and its threads: its
   * `CODEX_HOME`; a relative path starts at this process's working directory, and `~` is the home directory of
   * the server's user. It is made if it is missing,
   * with the directories above it, for this user alone (mode 0700). The start rejects with a HandshakeError
   * when it cannot be made, or may not be read and written. It cannot be combined with `launch`.
   *
   * Default: the environment variable `CODEX_HOME`, whose directory must exist; otherwise `.codex` in the
   * user's home directory, which the server makes.
   */
  readonly codexHome?: string | undefined;
  /** Working directory of the process, and so of new threads without one. Default: this process's. */
  readonly cwd?: string | undefined;
  /**
   * Environment variables for the process, over those of this process: a string sets one,
   * `undefined` removes one. This is the place for secrets.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Whether the process starts from this process's environment. Default: `true`. With `false` it
   * gets what `env` says and nothing else, except for the runtime's helper programs on the PATH and,
   * on Windows, `SystemRoot`, without which nothing starts. Give it a `PATH`, or the agent finds no
   * commands. `CODEX_PATH`, and the PATH on which `codexPath: "codex"` is looked up, are addressed to
   * this library: they still come from this process unless `env` has them.
   */
  readonly inheritEnv?: boolean | undefined;
  /**
   * Configuration for this server, over its `config.toml`: `{ model: "…", features: { … } }`. It is
   * passed as command-line arguments, which every user of the machine can see: put secrets into
   * `env`. Keys that are `undefined` are left out; `null`, dates and functions are refused.
   */
  readonly config?: ConfigObject | undefined;
  /**
   * The same as raw `key=value` strings, as `codex -c` takes them: the key is split at its dots, and
   * a value that is not TOML is taken as a string. They win over `config`, and later ones over
   * earlier ones.
   */
  readonly configOverrides?: readonly string[] | undefined;
}

/** A process to start: everything resolved, nothing left to look up. */
export interface LaunchCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute path, or `undefined` for this process's working directory. */
  readonly cwd: string | undefined;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it leads a process group of its own, apart from this process's terminal. */
  readonly detached: boolean;
  /** What decided on the command. */
  readonly source: Runtime["source"] | "launch";
}

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
  const codexHome = options.codexHome === undefined ? undefined : inFull(options.codexHome, env);
  const config = configArgs(options.config ?? {});
  const overrides = (options.configOverrides ?? []).flatMap((override) => ["-c", override]);
  const { command, args, helperDir, source } = await findRuntime({
    ...host,
    codexPath: options.codexPath,
    env: mergeEnvironment(parent, options.env ?? {}, platform),
  });
  if (codexHome !== undefined) await prepareCodexHome(codexHome);
  const own = mergeEnvironment(env, codexHome ? { CODEX_HOME: codexHome } : {}, platform);
  return {
    command,
    args: [...args, "app-server", ...config, ...overrides],
    cwd,
    env: helperDir === undefined ? own : prependToPath(own, helperDir, platform),
    detached: !isWindows,
    source,
  };
}

/** As in a shell, `~` is the home directory of the server's user: a directory of that name nobody means. */
function inFull(codexHome: string, env: LaunchCommand["env"]): string {
  const isInHome = /^~(?=[\\/]|$)/.test(codexHome);
  if (!isInHome) return path.resolve(codexHome);
  const home = homeOf({ source: "codexPath", env });
  return path.resolve(home ?? "", `.${codexHome.slice(1)}`);
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
