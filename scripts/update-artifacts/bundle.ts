import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { readVendorTree } from "../../lib/runtime/vendor-tree.js";
import { runtimeTargets } from "../../lib/runtime/platform.js";
import { downloadPackage, type DownloadOptions } from "../registry/download-package.js";
import { checkTarget } from "../registry/check-target.js";
import { platformPackage } from "./installed.js";
import type { Release } from "./release.js";

/** Holds the checksum of the tarball that a bundle was made from. */
const marker = ".integrity";

/** Whether a bundle of the release lies in `vendor-bin/`. */
export async function isBundled(
  vendorDir: string,
  { manifest }: Release,
  triple: string,
): Promise<boolean> {
  const text = await readFile(path.join(vendorDir, triple, marker), "utf8").catch(() => undefined);
  return text !== undefined && text.trim() === manifest.platforms[triple]?.integrity;
}

/**
 * Makes the bundle of one platform in a folder that is not there yet: from the package in `unpacked`
 * where that is given, else by a download. Resolves with the program in it.
 */
export async function makeBundle(
  folder: string,
  { manifest }: Release,
  triple: string,
  options: DownloadOptions,
  unpacked?: string,
): Promise<string> {
  const each = platformPackage(manifest, triple);
  const work = `${folder}.package`;
  const vendor = path.join(unpacked ?? work, "vendor", triple);
  try {
    if (unpacked === undefined) await downloadPackage(each, work, options);
    await checkTarget(vendor, triple, each.spec);
    if (unpacked === undefined) await rename(vendor, folder);
    else await cp(vendor, folder, { recursive: true, verbatimSymlinks: true });
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  }
  await writeFile(path.join(folder, marker), `${each.integrity}\n`);
  const target = runtimeTargets.find((one) => one.triple === triple);
  const found = target ? await readVendorTree(folder, target) : { problem: "unknown platform" };
  if ("program" in found) return found.program.command;
  throw new Error(`The bundle of ${each.spec} is not complete: ${found.problem}.`);
}
