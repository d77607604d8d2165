import { chmod, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { readJsonObject } from "../../lib/runtime/files.js";
import { runtimeTarget, type RuntimeTarget } from "../../lib/runtime/platform.js";
import { readVendorTree } from "../../lib/runtime/vendor-tree.js";
import {
  downloadPackage,
  type DownloadOptions,
  type Package,
} from "../registry/download-package.js";
import { checkTarget } from "../registry/check-target.js";
import type { FolderChange } from "./apply.js";
import type { Release } from "./release.js";

/** The machine that this runs on. Throws where there is no runtime for it. */
export function thisMachine(): RuntimeTarget {
  const target = runtimeTarget(process.platform, process.arch);
  if (target) return target;
  throw new Error(`There is no runtime for ${process.platform}/${process.arch}.`);
}

/** Whether `node_modules` of a checkout has the release, with this machine's binary. */
export async function isInstalled(root: string, { manifest }: Release): Promise<boolean> {
  const target = thisMachine();
  const modules = path.join(root, "node_modules");
  const version = async (name: string): Promise<unknown> =>
    (await readJsonObject(path.join(modules, name, "package.json")))?.version;
  if ((await version(manifest.package)) !== manifest.runtimeVersion) return false;
  const platform = manifest.platforms[target.triple];
  if ((await version(target.packageName)) !== platform?.version) return false;
  const vendor = path.join(modules, target.packageName, "vendor", target.triple);
  return "program" in (await readVendorTree(vendor, target));
}

/**
 * Downloads the release for this machine into `node_modules` of the copy of a checkout, in the place of
 * links. Resolves with the folders that the checkout gets from there.
 */
export async function installInto(
  shadow: string,
  { manifest, integrity }: Release,
  options: DownloadOptions,
): Promise<FolderChange[]> {
  const target = thisMachine();
  const platform = platformPackage(manifest, target.triple);
  const modules = path.join(shadow, "node_modules");
  const main = { spec: `${manifest.package}@${manifest.runtimeVersion}`, integrity };
  const packages = [
    [manifest.package, main],
    [target.packageName, platform],
  ] as const;
  const changes: FolderChange[] = [];
  for (const [name, each] of packages) {
    const folder = path.join(modules, name);
    await rm(folder, { recursive: true, force: true });
    await mkdir(path.dirname(folder), { recursive: true });
    await downloadPackage(each, folder, options);
    const place = `node_modules/${name}`;
    changes.push({ path: place, fresh: `${path.basename(shadow)}/${place}` });
  }
  await checkMain(path.join(modules, manifest.package), main.spec);
  const vendor = path.join(modules, target.packageName, "vendor", target.triple);
  await checkTarget(vendor, target.triple, platform.spec);
  return changes;
}

/** The package of a release with one platform's binaries. */
export function platformPackage(manifest: Release["manifest"], triple: string): Package {
  const platform = manifest.platforms[triple];
  if (!platform) {
    throw new Error(`${manifest.package} ${manifest.runtimeVersion} has no package for ${triple}.`);
  }
  return { spec: `${manifest.package}@${platform.version}`, integrity: platform.integrity };
}

/** npm would make the launcher executable, and install what the package depends on. */
async function checkMain(folder: string, spec: string): Promise<void> {
  const description = await readJsonObject(path.join(folder, "package.json"));
  const needed = Object.keys((description?.dependencies as object | undefined) ?? {});
  if (needed.length > 0) {
    throw new Error(`${spec} depends on ${needed.join(", ")}, which this command cannot install.`);
  }
  const bin = description?.bin;
  const launchers = typeof bin === "string" ? [bin] : Object.values((bin as object | null) ?? {});
  for (const launcher of launchers) {
    if (typeof launcher === "string") await chmod(path.join(folder, launcher), 0o755);
  }
}
