import { writeFile } from "node:fs/promises";
import path from "node:path";
import { readPin } from "../generate/run-binary.js";
import { applyChanges, requireWritable, type FolderChange } from "./apply.js";
import { makeBundles } from "./bundles.js";
import { collectChanges, readSnapshot, updated } from "./collect-changes.js";
import { findProgram } from "./find-program.js";
import { installInto, isInstalled, thisMachine } from "./installed.js";
import { updateLockFile } from "./lock-file.js";
import { describeProtocol, makeArtifacts } from "./make-artifacts.js";
import type { UpdateOptions } from "./options.js";
import { writePin } from "./pin.js";
import {
  droppedPlatforms,
  manifestText,
  readRelease,
  requireNoStepBack,
  type Release,
} from "./release.js";
import { reportChanges } from "./report-changes.js";
import { runRealTests } from "./run-real-tests.js";
import { makeShadow } from "./shadow.js";
import type { Tools } from "./tools.js";

/**
 * Moves the project to a release. Everything is made in a copy below `work`; the project itself is
 * changed at the end, all at once.
 */
export async function updateProject(
  options: UpdateOptions,
  tools: Tools,
  work: string,
): Promise<void> {
  const { root } = options;
  const { run, disk, signal, log } = tools;
  const begun = performance.now();
  const from = await readPin(path.join(root, "package.json"));
  for (const file of updated.files) await requireWritable(path.join(root, file), file);
  const release = await readRelease(options, { run, cwd: root, signal });
  const to = release.manifest.runtimeVersion;
  log(`${release.manifest.package} ${to}; pinned is ${from}.`);
  requireNoStepBack(options, { from, to });

  const shadow = path.join(work, "project");
  await makeShadow(root, shadow, disk);
  const before = await readSnapshot(shadow);
  await pin(shadow, path.join(work, "lock-file"), release, tools);
  const folders = await download(options, release, tools, work, shadow);
  signal.throwIfAborted();
  const toDo = [
    ...droppedPlatforms(release).map((triple) => `${triple}: ${to} has no package for it`),
    ...(await makeArtifacts(shadow, tools)),
  ];
  await describeProtocol(root, shadow, { from, to }, tools);
  signal.throwIfAborted();
  const changes = { files: collectChanges(before, await readSnapshot(shadow)), folders };
  if (options.verify) {
    log("The tests on the real server:");
    await runRealTests(shadow, { run, signal });
  }

  const check = async (): Promise<void> => {
    await tools.checkStart(await findProgram(root), to, signal);
  };
  await applyChanges(changes, { root, work, disk, signal, check, note: log });
  reportChanges(changes, log);
  if (toDo.length > 0) log("The update stands, and leaves this to do by hand:");
  for (const line of toDo) log(`  ${line}`);
  log(`Done in ${((performance.now() - begun) / 1_000).toFixed(0)} s.`);
}

/** In the copy: package.json, package-lock.json and the manifest. */
async function pin(
  shadow: string,
  work: string,
  release: Release,
  { run, signal, disk }: Tools,
): Promise<void> {
  await writePin(shadow, release.manifest.runtimeVersion);
  await updateLockFile(shadow, work, release, { run, signal });
  const manifest = path.join(shadow, "vendor-bin", "manifest.json");
  await disk.mkdir(path.dirname(manifest), { recursive: true });
  await writeFile(manifest, manifestText(release));
}

/** In the copy: the installed packages; beside it: the bundles. */
async function download(
  options: UpdateOptions,
  release: Release,
  tools: Tools,
  work: string,
  shadow: string,
): Promise<FolderChange[]> {
  const isThere = await isInstalled(options.root, release);
  const begun = performance.now();
  const folders = isThere ? [] : await installInto(shadow, release, tools);
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
  tools.log(isThere ? "  installed already" : `  downloaded and verified (${seconds} s)`);
  const own = path.join(shadow, "node_modules", thisMachine().packageName);
  const places = { work, prefix: "vendor-bin/", installed: isThere ? undefined : own };
  return [...folders, ...(await makeBundles(options, release, tools, places))];
}
