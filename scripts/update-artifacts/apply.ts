import { chmod, stat } from "node:fs/promises";
import path from "node:path";
import { exists, move, readIfThere, type Disk } from "./disk.js";
import {
  hashOf,
  removeJournal,
  undo,
  writeJournal,
  type Journal,
  type JournalFile,
  type JournalFolder,
} from "./journal.js";

export interface FileChange {
  /** From the root of the checkout, with slashes. */
  readonly path: string;
  /** `hashOf()` what the change was made from. */
  readonly from: string | null;
  /** What comes there; `undefined` removes the file. */
  readonly content: Buffer | undefined;
}

export interface FolderChange {
  /** From the root of the checkout. */
  readonly path: string;
  /** The new one, below the work folder, from there. */
  readonly fresh: string;
}

export interface Changes {
  readonly files: readonly FileChange[];
  readonly folders: readonly FolderChange[];
}

export interface ApplyOptions {
  readonly root: string;
  /** Where the copies, the journal and the new folders are. */
  readonly work: string;
  readonly disk: Disk;
  readonly signal: AbortSignal;
  /** Looks at the changed checkout; when it throws, everything is undone. */
  readonly check: () => Promise<void>;
  /** Is told of each file that was left alone when everything was undone. */
  readonly note: (line: string) => void;
}

/**
 * Changes files and folders of a checkout all at once: when one step fails, or the signal is aborted,
 * everything is put back, and after `kill -9` by `undo()`. Throws, before it has changed anything, where
 * a file is not any more what its change was made from, or is read-only.
 */
export async function applyChanges(changes: Changes, options: ApplyOptions): Promise<void> {
  const { root, work, disk, signal, check } = options;
  await checkFiles(root, changes.files);
  const journal = await prepare(changes, options);
  signal.throwIfAborted();
  await writeJournal(work, journal, disk);
  try {
    for (const folder of journal.folders) {
      signal.throwIfAborted();
      await swapFolder(root, work, folder, disk);
    }
    for (const file of journal.files) {
      signal.throwIfAborted();
      await replaceFile(root, work, file, disk);
    }
    await check();
    signal.throwIfAborted();
    await removeJournal(work, disk);
  } catch (error) {
    await undoOrExplain(error, options);
    throw error;
  }
}

/** Throws for a file that somebody has changed, or that nobody may write. */
async function checkFiles(root: string, files: readonly FileChange[]): Promise<void> {
  for (const { path: place, from } of files) {
    const file = path.join(root, place);
    if (hashOf(await readIfThere(file)) !== from) {
      throw new Error(
        `${place} was changed while this command ran. Nothing was touched; run it again.`,
      );
    }
    await requireWritable(file, place);
  }
}

/** A rename would replace a read-only file on most systems, which its owner hardly wants. */
export async function requireWritable(file: string, place: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found && (found.mode & 0o222) === 0) {
    throw new Error(`${place} is read-only. Nothing was touched; make it writable and try again.`);
  }
}

/** Everything that needs room on the disk comes first; after that there are renames only. */
async function prepare(changes: Changes, { root, work, disk }: ApplyOptions): Promise<Journal> {
  await disk.mkdir(path.join(work, "before"), { recursive: true });
  await disk.mkdir(path.join(work, "after"), { recursive: true });
  await disk.mkdir(path.join(work, "aside"), { recursive: true });
  const files: JournalFile[] = [];
  for (const [index, { path: place, from, content }] of changes.files.entries()) {
    const file = path.join(root, place);
    const [before, after] = [`before/${index}`, `after/${index}`];
    if (from !== null) await disk.cp(file, path.join(work, before), { preserveTimestamps: true });
    if (content !== undefined) {
      await disk.writeFile(path.join(work, after), content);
      const mode = (await stat(file).catch(() => undefined))?.mode;
      if (mode !== undefined) await chmod(path.join(work, after), mode);
    }
    files.push({
      path: place,
      before: from === null ? null : before,
      after: content === undefined ? null : after,
      beforeHash: from,
      afterHash: hashOf(content),
      made: await missingFolders(root, place),
    });
  }
  const folders: JournalFolder[] = [];
  for (const [index, { path: place, fresh }] of changes.folders.entries()) {
    const existed = await exists(path.join(root, place));
    folders.push({ path: place, fresh, aside: `aside/${index}`, existed });
  }
  return { files, folders };
}

/** The folders above a file that are not there yet, outermost first. */
async function missingFolders(root: string, place: string): Promise<string[]> {
  const missing: string[] = [];
  for (let folder = path.dirname(place); folder !== "."; folder = path.dirname(folder)) {
    if (!(await exists(path.join(root, folder)))) missing.unshift(folder);
  }
  return missing;
}

async function swapFolder(
  root: string,
  work: string,
  { path: place, fresh, aside, existed }: JournalFolder,
  disk: Disk,
): Promise<void> {
  const here = path.join(root, place);
  if (existed) await move(here, path.join(work, aside), disk);
  else await disk.mkdir(path.dirname(here), { recursive: true });
  await move(path.join(work, fresh), here, disk);
}

async function replaceFile(
  root: string,
  work: string,
  { path: place, after, beforeHash }: JournalFile,
  disk: Disk,
): Promise<void> {
  const file = path.join(root, place);
  // Once more, since an editor may have saved it in the meantime.
  if (hashOf(await readIfThere(file)) !== beforeHash) {
    throw new Error(`${place} was changed while this command ran. It stays; run it again.`);
  }
  if (after === null) await disk.rm(file);
  else {
    await disk.mkdir(path.dirname(file), { recursive: true });
    await move(path.join(work, after), file, disk);
  }
}

async function undoOrExplain(error: unknown, options: ApplyOptions): Promise<void> {
  const { root, work, disk, note } = options;
  try {
    for (const line of (await undo(root, work, disk)) ?? []) note(line);
  } catch (failure) {
    const why = [failure, error].map((each) => (each instanceof Error ? each.message : "unknown"));
    throw new UndoFailedError(
      `The old state could not be put back: ${why.join("; it was left because of: ")}. ` +
        "Mend that, and run npm run update-artifacts -- --repair.",
      { cause: failure },
    );
  }
}

/** The work folder must stay: it holds what the checkout has to get back. */
export class UndoFailedError extends Error {}
