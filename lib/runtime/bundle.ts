import { readdir } from "node:fs/promises";
import path from "node:path";
import { ancestors, readJsonObject } from "./files.js";
import { runtimeTargets, type RuntimeTarget } from "./platform.js";
import { readVendorTree, type Finding } from "./vendor-tree.js";

/** The runtime bundled with this package, in `vendor-bin/<triple>/`. */
export async function findBundle(
  packageRoot: string | undefined,
  target: RuntimeTarget,
): Promise<Finding> {
  if (packageRoot === undefined) {
    return { problem: "vendor-bin: this library was bundled into other code, without it" };
  }
  const vendorBin = path.join(packageRoot, "vendor-bin");
  const found = await readVendorTree(path.join(vendorBin, target.triple), target);
  if ("program" in found) return found;
  const others = await otherBundles(vendorBin, target);
  return {
    problem:
      others.length === 0
        ? `${path.join(vendorBin, target.triple)}: ${found.problem}`
        : `${vendorBin}: holds ${others.join(", ")}, this machine needs ${target.triple}`,
  };
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

async function otherBundles(vendorBin: string, target: RuntimeTarget): Promise<string[]> {
  const names = await readdir(vendorBin).catch(() => []);
  return names.filter(
    (name) => name !== target.triple && runtimeTargets.some(({ triple }) => triple === name),
  );
}
