import { access, constants } from "node:fs/promises";
import path from "node:path";
import { environmentVariable } from "./child-env.js";
import { kindOf } from "./files.js";

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
