import path from "node:path";
import { runtimeTargets } from "../../lib/runtime/platform.js";
import type { FolderChange } from "./apply.js";
import { isBundled, makeBundle } from "./bundle.js";
import { exists } from "./disk.js";
import { thisMachine } from "./installed.js";
import type { UpdateOptions } from "./options.js";
import type { Release } from "./release.js";
import type { Tools } from "./tools.js";

/**
 * The platforms whose bundles an update makes: those asked for, and those that are there. A bundle of the
 * older release would go on being started in the place of what is installed.
 */
export async function triplesToBundle(
  { bundle, vendorDir }: UpdateOptions,
  { manifest }: Release,
): Promise<string[]> {
  const own = bundle === "this-machine" ? thisMachine().triple : undefined;
  const triples: string[] = [];
  for (const { triple } of runtimeTargets) {
    const isWanted = triple === own || (bundle === "all" && triple in manifest.platforms);
    if (isWanted || (await exists(path.join(vendorDir, triple)))) triples.push(triple);
  }
  return triples;
}

/**
 * Makes the bundles that are not there yet, in the work folder, and starts this machine's. Resolves with
 * the folders that `vendor-bin/` gets from there; `prefix` is what leads there from the root.
 */
export async function makeBundles(
  options: UpdateOptions,
  release: Release,
  tools: Tools,
  { work, prefix, installed }: BundlePlaces,
): Promise<FolderChange[]> {
  const { checkStart, signal, log } = tools;
  const own = thisMachine();
  const changes: FolderChange[] = [];
  for (const triple of await triplesToBundle(options, release)) {
    if (await isBundled(options.vendorDir, release, triple)) continue;
    const fresh = `bundles/${triple}`;
    const unpacked = triple === own.triple ? installed : undefined;
    const begun = performance.now();
    const program = await makeBundle(path.join(work, fresh), release, triple, tools, unpacked);
    if (triple === own.triple) await checkStart(program, release.manifest.runtimeVersion, signal);
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
    const how = triple === own.triple ? "verified, unpacked and started" : "verified and unpacked";
    log(`  ${triple}/ ${how} (${seconds} s)`);
    changes.push({ path: `${prefix}${triple}`, fresh });
  }
  return changes;
}

export interface BundlePlaces {
  readonly work: string;
  readonly prefix: string;
  /** The package of this machine, where it was just downloaded. */
  readonly installed?: string | undefined;
}
