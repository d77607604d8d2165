import path from "node:path";
import { BinaryNotFoundError } from "../errors/start-errors.js";
import { onDisk } from "./asar.js";
import { environmentVariable, mergeEnvironment } from "./child-env.js";
import { isBareName, lookUpOnPath } from "./path-lookup.js";

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
