import path from "node:path";
import { ancestors, readJsonObject } from "./files.js";
import type { RuntimeTarget } from "./platform.js";
import { readVendorTree, type Finding } from "./vendor-tree.js";

/** The runtime bundled with this package, in `vendor-bin/<triple>/`. */
export async function findBundle(
  packageRoot: string | undefined,
  target: RuntimeTarget,
): Promise<Finding> {
  if (packageRoot === undefined) {
    return { problem: "vendor-bin: this library was bundled into other code, without it" };
  }
  const place = path.join(packageRoot, "vendor-bin", target.triple);
  const found = await readVendorTree(place, target);
  return "program" in found ? found : { problem: `${place}: ${found.problem}` };
}

/**
 * The directory of the installed package that `from` is a file of. It is found by name, since the
 * way up differs between the sources (`lib/`) and the build (`dist/lib/`).
 */
export async function findPackageRoot(from: string): Promise<string | undefined> {
  for (const directory of ancestors(from)) {
    const description = await readJsonObject(path.join(directory, "package.json"));
    if (description?.name === "codex-app-server-sdk") return directory;
  }
  return undefined;
}
