import path from "node:path";
import { readPin } from "../generate/run-binary.js";
import { triplesToBundle } from "./bundles.js";
import { describeChanges } from "./describe-changes.js";
import { isBundled } from "./bundle.js";
import { readIfThere } from "./disk.js";
import { isInstalled } from "./installed.js";
import type { UpdateOptions } from "./options.js";
import { droppedPlatforms, manifestText, readRelease, requireNoStepBack } from "./release.js";
import type { Tools } from "./tools.js";

/** Says what an update would change, and what changes in the protocol. Touches nothing of the project. */
export async function previewUpdate(options: UpdateOptions, tools: Tools): Promise<void> {
  const { root, vendorDir } = options;
  const { run, signal, log, protocol } = tools;
  const pinned = await readPin(path.join(root, "package.json"));
  const release = await readRelease(options, { run, cwd: root, signal });
  const to = release.manifest.runtimeVersion;
  log(`${release.manifest.package} ${to}; pinned is ${pinned}.`);
  for (const triple of droppedPlatforms(release)) log(`  ${triple}: no package any more`);
  const isProject = vendorDir === path.join(root, "vendor-bin");
  if (isProject) requireNoStepBack(options, { from: pinned, to });
  const say = (what: string, isCurrent: boolean): void => {
    log(`  ${what}: ${isCurrent ? "up to date" : "would be updated"}`);
  };
  if (isProject) {
    say("package.json", pinned === to);
    say("node_modules", await isInstalled(root, release));
  }
  const manifest = await readIfThere(path.join(vendorDir, "manifest.json"));
  say("manifest.json", manifest?.toString().replaceAll("\r\n", "\n") === manifestText(release));
  for (const triple of await triplesToBundle(options, release)) {
    say(`${triple}/`, await isBundled(vendorDir, release, triple));
  }
  if (pinned === to) return;
  signal.throwIfAborted();
  const said = await describeChanges({ from: pinned, to }, root, protocol);
  log(`\nThe protocol, codex ${pinned} to ${to}:\n\n${said.trim()}\n`);
  log("This was a dry run: nothing was changed.");
}
