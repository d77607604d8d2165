import { constants } from "node:fs";
import { access, lstat, mkdir, readdir, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import path from "node:path";
import { says } from "../errors/server-sentences.js";
import { HandshakeError } from "../errors/start-errors.js";
import { environmentVariable } from "./child-env.js";
import type { LaunchCommand } from "./launch-command.js";

/**
 * The user's home directory, as a server that is started like this sees it. Undefined when the caller's
 * own command starts it, perhaps on another machine.
 */
export function homeOf({ source, env }: Pick<LaunchCommand, "source" | "env">): string | undefined {
  if (source === "launch") return undefined;
  const { platform } = process;
  const name = platform === "win32" ? "USERPROFILE" : "HOME";
  return environmentVariable(env, name, platform) || userInfo().homedir;
}

/** One of the directories that a server needs. */
export interface ServerDirectory {
  /** Absolute. */
  readonly path: string;
  /** The variable that names it. */
  readonly variable: "CODEX_HOME" | "CODEX_SQLITE_HOME";
  /** Whether the server makes it when it is missing. */
  readonly isMade: boolean;
}

/** The directories of a server. */
export interface ServerDirectories {
  readonly home: ServerDirectory;
  /** Most often the same. */
  readonly databases: ServerDirectory;
}

/**
 * The directories in which a server that is started like this keeps its data. Undefined when the caller's
 * own command starts it, perhaps on another machine.
 */
export function serverDirectories(
  launch: Pick<LaunchCommand, "source" | "env" | "cwd">,
): ServerDirectories | undefined {
  const userHome = homeOf(launch);
  if (userHome === undefined) return undefined;
  const named = (variable: ServerDirectory["variable"], isMade: boolean): ServerDirectory[] => {
    // Empty counts as not set; a relative one starts where the server runs.
    const set = environmentVariable(launch.env, variable, process.platform) ?? "";
    return set === "" ? [] : [{ path: path.resolve(launch.cwd ?? "", set), variable, isMade }];
  };
  const own: ServerDirectory = {
    path: path.resolve(launch.cwd ?? "", userHome, ".codex"),
    variable: "CODEX_HOME",
    isMade: true,
  };
  const [home = own] = named("CODEX_HOME", false);
  const [databases = home] = named("CODEX_SQLITE_HOME", true);
  return { home, databases };
}

/** The same, as a client keeps it: where the databases are, and what may be wrong with the directories. */
export function serverPlaceOf(launch: LaunchCommand) {
  const directories = serverDirectories(launch);
  return (
    directories && {
      databases: directories.databases.path,
      problem: (stderr: string) => problemOf(directories, stderr),
    }
  );
}

/** The option `codexHome` as an absolute path. As in a shell, `~` is the home directory of the server's user. */
export function codexHomeInFull(codexHome: string, env: LaunchCommand["env"]): string {
  // A directory of that name nobody means.
  const isInHome = /^~(?=[\\/]|$)/.test(codexHome);
  if (!isInHome) return path.resolve(codexHome);
  const home = homeOf({ source: "codexPath", env });
  return path.resolve(home ?? "", `.${codexHome.slice(1)}`);
}

/**
 * Makes the directory if it is missing, for this user alone.
 *
 * @throws HandshakeError when it cannot be made, or no server could work with it.
 */
export async function prepareCodexHome(directory: string): Promise<void> {
  // Why it failed, the look at what is there tells better.
  await makeDirectory(directory).catch(() => undefined);
  const home = { path: directory, variable: "CODEX_HOME", isMade: false } as const;
  const problem = await problemOf({ home, databases: home });
  if (problem !== undefined) throw new HandshakeError(`No server was started: ${problem}`, "");
}

/** Like `mkdir` with `recursive`, which never ends below a directory that takes none, such as /proc. */
async function makeDirectory(directory: string): Promise<void> {
  const parent = path.dirname(directory);
  try {
    await mkdir(directory, 0o700);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || parent === directory) throw error;
    await makeDirectory(parent);
    await mkdir(directory, 0o700);
  }
}

/**
 * Why no server can work with these directories, in a sentence that names the one, and what to do. Undefined
 * when nothing is wrong that can be seen from outside.
 *
 * @param stderr what the server said when it ended; nothing before it is started.
 */
export async function problemOf(
  { home, databases }: ServerDirectories,
  stderr = "",
): Promise<string | undefined> {
  const inAccess = (await accessProblem(home)) ?? (await accessProblem(databases));
  if (inAccess !== undefined) return inAccess;
  if (says(stderr, "databaseLocked")) return about(databases, locked);
  if (says(stderr, "diskFull")) {
    return about(databases, "is on a disk that is full. Make room on it.");
  }
  if (!says(stderr, "fileRefused", "stateNotOpened")) return undefined;
  return (await entryProblem(home)) ?? (await entryProblem(databases));
}

function about(directory: ServerDirectory, problem: string): string {
  return `${directory.path}, the server's directory (${directory.variable}), ${problem}`;
}

const locked =
  "holds a database that another process has locked for too long. End that process, or give this server " +
  "a directory of its own with the option codexHome.";

async function accessProblem(directory: ServerDirectory): Promise<string | undefined> {
  const { path: place } = directory;
  try {
    if (!(await stat(place)).isDirectory())
      return about(directory, `is not a directory. ${another}`);
    await access(place, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const problem = await explain(directory, codeOf(error));
    return problem && about(directory, problem);
  }
}

/** Checks the files directly in it, which may be another user's, most often of a server run by root. */
async function entryProblem(directory: ServerDirectory): Promise<string | undefined> {
  const entries = await readdir(directory.path, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const enter = entry.isDirectory() ? constants.X_OK : 0;
    const file = path.join(directory.path, entry.name);
    const reading = access(file, constants.R_OK | constants.W_OK | enter);
    const code = await reading.then(() => undefined, codeOf);
    if (code !== "EACCES" && code !== "EPERM") continue;
    const problem = `holds ${entry.name}, which this process may not read and write`;
    return about(directory, `${problem}: ${await ownership(file)}. ${rights}`);
  }
  return undefined;
}

async function explain(directory: ServerDirectory, code: string): Promise<string | undefined> {
  switch (code) {
    case "ENOENT":
      return missing(directory);
    case "ENOTDIR":
      return `lies below a file, which is not a directory. ${another}`;
    case "EROFS":
      return `is on a file system that is read-only. ${another}`;
    case "EACCES":
    case "EPERM":
      return `may not be read and written by this process: ${await ownership(directory.path)}. ${rights}`;
    default:
      return `cannot be used (${code}). ${another}`;
  }
}

async function missing({ path: place, isMade }: ServerDirectory): Promise<string | undefined> {
  const isLink = await lstat(place).then(
    (stats) => stats.isSymbolicLink(),
    () => false,
  );
  if (isLink) return `is a link that leads nowhere. ${another}`;
  const parent = await nearest(path.dirname(place));
  const code = await access(parent, constants.W_OK | constants.X_OK).then(() => undefined, codeOf);
  if (code !== undefined) {
    return `does not exist, and cannot be made: ${parent} may not be written by this process. ${another}`;
  }
  if (isMade) return undefined;
  return "does not exist. Make it, or name it with the option codexHome, which makes it.";
}

/** The directory itself, or the first above it that is there. */
async function nearest(directory: string): Promise<string> {
  const isThere = await stat(directory).then(
    () => true,
    () => false,
  );
  const above = path.dirname(directory);
  return isThere || above === directory ? directory : nearest(above);
}

/** To whom it belongs, and its mode: what decides on a system that has both. */
async function ownership(file: string): Promise<string> {
  const stats = await stat(file).catch(() => undefined);
  if (!stats) return "a directory on the way to it may not be entered";
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  const own = process.geteuid?.();
  if (own === undefined || own === stats.uid) return `its mode is ${mode}`;
  return `it belongs to another user (${stats.uid}; this process runs as ${own}), and its mode is ${mode}`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "no code";
}

const rights =
  "Correct its owner or its mode, or name another directory with the option codexHome.";
const another = "Name another directory with the option codexHome.";
