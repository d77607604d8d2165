import path from "node:path";
import { onDisk } from "./asar.js";
import { kindOf, readJsonObject, resolveLinks } from "./files.js";
import { runtimeTargets, type RuntimeTarget } from "./platform.js";

/** An executable, and the directory of the programs that it expects on its PATH. */
export interface Program {
  readonly command: string;
  readonly helperDir: string | undefined;
}

/** A program, or why there is none. */
export type Finding = { readonly program: Program } | { readonly problem: string };

// Releases before 0.145 have the second layout. They are older than what we support, but the user
// should hear that from the server's own version, not be told that nothing is installed.
const layouts = [
  { entrypoint: "bin/codex", helpers: "codex-path" },
  { entrypoint: "codex/codex", helpers: "path" },
];

/** Reads a directory as the releases lay it out: one executable, its helpers and its resources. */
export async function readVendorTree(place: string, target: RuntimeTarget): Promise<Finding> {
  const root = await onDisk(place);
  if ((await kindOf(root)) !== "directory") return { problem: "not there" };
  const description = await readJsonObject(path.join(root, "codex-package.json"));
  const builtFor = description?.target;
  if (typeof builtFor === "string" && builtFor !== target.triple) {
    return { problem: `built for ${builtFor}, this machine needs ${target.triple}` };
  }
  for (const entrypoint of [description?.entrypoint, ...layouts.map((each) => each.entrypoint)]) {
    if (typeof entrypoint !== "string") continue;
    for (const suffix of target.platform === "win32" ? [".exe", ""] : [""]) {
      const command = path.join(root, `${entrypoint}${suffix}`);
      if ((await kindOf(command)) === "file") {
        return { program: { command, helperDir: await helperDirOf(root) } };
      }
    }
  }
  return { problem: "there, but without an executable" };
}

/** The helper directory of an executable, when it stands in a release's directory. */
export async function helperDirBeside(command: string): Promise<string | undefined> {
  const root = path.dirname(path.dirname(await resolveLinks(command)));
  const isRelease =
    runtimeTargets.some(({ triple }) => triple === path.basename(root)) ||
    (await kindOf(path.join(root, "codex-package.json"))) === "file";
  return isRelease ? helperDirOf(root) : undefined;
}

async function helperDirOf(root: string): Promise<string | undefined> {
  const description = await readJsonObject(path.join(root, "codex-package.json"));
  for (const name of [description?.pathDir, ...layouts.map((each) => each.helpers)]) {
    if (typeof name !== "string") continue;
    const directory = path.join(root, name);
    if ((await kindOf(directory)) === "directory") return directory;
  }
  return undefined;
}
