import path from "node:path";
import { UndoFailedError } from "./apply.js";
import { endChildren, notingChildren } from "./children.js";
import { disk, exists } from "./disk.js";
import { undo } from "./journal.js";
import { takeLock } from "./lock.js";
import type { UpdateOptions } from "./options.js";
import { previewUpdate } from "./preview-update.js";
import { findProgram } from "./find-program.js";
import type { Tools } from "./tools.js";
import { updateProject } from "./update-project.js";
import { updateVendorDir } from "./update-vendor-dir.js";

/** Where copies are made and tried, within the project; not there between runs. */
export const workFolder = ".update-artifacts";

/**
 * Moves a project to a release of the runtime, all at once or not at all. First puts back what a run that
 * was killed has left half-done. Throws, with the project as it was, when something fails, when the signal
 * is aborted, and while another run is at it.
 */
export async function updateArtifacts(options: UpdateOptions, tools: Tools): Promise<void> {
  const { root, vendorDir } = options;
  const isProject = vendorDir === path.join(root, "vendor-bin");
  const place = isProject ? root : vendorDir;
  const folder = path.join(place, workFolder);
  const work = path.join(folder, "work");
  // Nothing can be left half-done there, and even the lock would make the folder.
  if (options.dryRun && !(await exists(place))) {
    await previewUpdate(options, tools);
    return;
  }
  const lock = await takeLock(folder);
  let isWorkNeeded = false;
  try {
    await repair(place, work, isProject, options, tools);
    if (options.repair) return;
    const noting = { ...tools, run: notingChildren(work, tools.run) };
    if (options.dryRun) await previewUpdate(options, noting);
    else if (isProject) await updateProject(options, noting, work);
    else await updateVendorDir(options, noting, work);
  } catch (error) {
    isWorkNeeded = error instanceof UndoFailedError;
    throw error;
  } finally {
    try {
      if (!isWorkNeeded) await removeWork(work);
    } finally {
      await lock.release();
    }
  }
}

async function repair(
  place: string,
  work: string,
  isProject: boolean,
  options: UpdateOptions,
  tools: Tools,
): Promise<void> {
  await endChildren(work);
  const notes = await undo(place, work, tools.disk).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : "unknown";
    throw new UndoFailedError(
      `The state before the last run could not be put back: ${why}. ` +
        "Mend that, and run npm run update-artifacts -- --repair.",
    );
  });
  await removeWork(work);
  if (notes === undefined) {
    if (options.repair) tools.log("There is nothing to put back.");
    return;
  }
  tools.log("The last run was killed half-way; what it had changed was put back.");
  for (const note of notes) tools.log(`  ${note}`);
  if (!isProject) return;
  const program = await findProgram(options.root).catch(() => undefined);
  tools.log(
    program === undefined
      ? "  There is no runtime for this machine here: run npm ci."
      : `  The runtime of this machine is there: ${path.relative(options.root, program)}`,
  );
}

/** By the real disk: what is left over is no part of the update. */
async function removeWork(work: string): Promise<void> {
  await disk.rm(work, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
