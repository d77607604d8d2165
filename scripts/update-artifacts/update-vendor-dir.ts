import path from "node:path";
import { applyChanges } from "./apply.js";
import { makeBundles } from "./bundles.js";
import { collectChanges } from "./collect-changes.js";
import { readIfThere } from "./disk.js";
import type { UpdateOptions } from "./options.js";
import { manifestText, readRelease } from "./release.js";
import { reportChanges } from "./report-changes.js";
import type { Tools } from "./tools.js";

/** Puts the manifest of a release, and its bundles, into a folder outside of the project. */
export async function updateVendorDir(
  options: UpdateOptions,
  tools: Tools,
  work: string,
): Promise<void> {
  const { root, vendorDir } = options;
  const { run, disk, signal, log } = tools;
  const release = await readRelease(options, { run, cwd: root, signal });
  log(`${release.manifest.package} ${release.manifest.runtimeVersion}`);
  await disk.mkdir(work, { recursive: true });
  const folders = await makeBundles(options, release, tools, { work, prefix: "" });
  const name = "manifest.json";
  const old = await readIfThere(path.join(vendorDir, name));
  const files = collectChanges(
    new Map(old && [[name, old]]),
    new Map([[name, Buffer.from(manifestText(release))]]),
  );
  const changes = { files, folders };
  const check = (): Promise<void> => Promise.resolve();
  await applyChanges(changes, { root: vendorDir, work, disk, signal, check, note: log });
  reportChanges(changes, log);
}
