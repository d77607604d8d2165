import { access, constants } from "node:fs/promises";
import path from "node:path";
import { BinaryNotFoundError } from "../errors/start-errors.js";
import { onDisk } from "./asar.js";
import { environmentVariable, mergeEnvironment } from "./child-env.js";
import { kindOf } from "./files.js";

/** The directories in which a system looks when there is no PATH at all. */
const systemPath = "/usr/bin:/bin";

/**
 * Absolute path of the program of a command line that the caller has made. Left to the system, a bare
 * name could be found in the working directory: by an entry of the PATH that is empty or relative, and
 * on Windows always. A relative path would start at the directory that the process is to run in,
 * which may be a repository that nobody has vetted.
 *
 * @param env of the process to start; its PATH counts.
 * @param parent of this process.
 * @throws BinaryNotFoundError when no program has that name.
 */
export async function findCommand(
  command: string,
  env: Readonly<Record<string, string>>,
  parent: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): Promise<string> {
  if (path.isAbsolute(command)) return onDisk(command);
  if (!isBareName(command, platform)) return onDisk(path.resolve(command));
  const PATH =
    environmentVariable(env, "PATH", platform) ??
    (platform === "win32" ? environmentVariable(parent, "PATH", platform) : systemPath);
  // Windows starts these two alone without a shell.
  const search = mergeEnvironment(env, { PATH, PATHEXT: ".COM;.EXE" }, platform);
  const found = await lookUpOnPath(command, search, platform);
  if (found !== undefined) return found;
  throw new BinaryNotFoundError(
    [
      `launch.command: ${command}: no program of that name on the PATH; relative entries do not count`,
    ],
    "Correct launch.command, give it an absolute path, or set PATH in env.",
  );
}

/**
 * The program called `name` on the PATH of `env`, or `undefined`. Relative entries are passed over:
 * what they mean depends on a working directory that may hold somebody else's files.
 */
export async function lookUpOnPath(
  name: string,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): Promise<string | undefined> {
  const separator = platform === "win32" ? ";" : ":";
  const entries = (environmentVariable(env, "PATH", platform) ?? "").split(separator);
  for (const directory of entries) {
    if (!path.isAbsolute(directory)) continue;
    for (const fileName of fileNames(name, env, platform)) {
      const file = path.join(directory, fileName);
      if (await isProgram(file, platform)) return file;
    }
  }
  return undefined;
}

/** Whether `program` is to be looked up on the PATH, rather than being a path itself. */
export function isBareName(program: string, platform: NodeJS.Platform): boolean {
  return !program.includes("/") && !(platform === "win32" && program.includes("\\"));
}

function fileNames(name: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string[] {
  if (platform !== "win32") return [name];
  const pathExt = environmentVariable(env, "PATHEXT", platform) ?? ".COM;.EXE;.BAT;.CMD";
  const extensions = pathExt.split(";").filter((extension) => extension !== "");
  const names = extensions.map((extension) => `${name}${extension.toLowerCase()}`);
  return path.extname(name) === "" ? names : [name, ...names];
}

async function isProgram(file: string, platform: NodeJS.Platform): Promise<boolean> {
  if ((await kindOf(file)) !== "file") return false;
  if (platform === "win32") return true;
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
