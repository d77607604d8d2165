import { createHash } from "node:crypto";
import { rmdir } from "node:fs/promises";
import path from "node:path";
import { exists, move, readIfThere, tidyMove, writeDurably, type Disk } from "./disk.js";

/** A file of the checkout that is changed. Paths are relative to the checkout or to the folder of the journal. */
export interface JournalFile {
  readonly path: string;
  /** Copies of what stood there and of what comes there; `null` for none. */
  readonly before: string | null;
  readonly after: string | null;
  /** The folders that are made for it, outermost first. */
  readonly made: readonly string[];
  readonly beforeHash: string | null;
  readonly afterHash: string | null;
}

/** A folder of the checkout that is swapped as a whole. */
export interface JournalFolder {
  readonly path: string;
  /** Where the new one is made. */
  readonly fresh: string;
  /** Where the old one is put, if there was one. */
  readonly aside: string;
  readonly existed: boolean;
}

/** What is done to a checkout, written down before the first step, so that it can be undone. */
export interface Journal {
  readonly files: readonly JournalFile[];
  readonly folders: readonly JournalFolder[];
}

const name = "journal.json";

export function hashOf(content: Buffer | undefined): string | null {
  return content === undefined ? null : createHash("sha256").update(content).digest("hex");
}

export async function writeJournal(folder: string, journal: Journal, disk: Disk): Promise<void> {
  await writeDurably(path.join(folder, name), JSON.stringify(journal), disk);
}

/** From here on what the journal says is done for good. */
export async function removeJournal(folder: string, { rm }: Disk): Promise<void> {
  await rm(path.join(folder, name), { force: true });
}

/**
 * Undoes what a run that did not come to its end has done to the checkout. Resolves with `undefined`
 * where there is nothing to undo, else with a line for each file that was left alone since somebody has
 * changed it meanwhile. May be ended at any point and called again.
 */
export async function undo(
  root: string,
  folder: string,
  disk: Disk,
): Promise<readonly string[] | undefined> {
  const text = await readIfThere(path.join(folder, name));
  if (text === undefined) return undefined;
  const journal = JSON.parse(text.toString()) as Journal;
  for (const each of journal.folders.toReversed()) await undoFolder(root, folder, each, disk);
  const notes: string[] = [];
  for (const each of journal.files.toReversed()) {
    const note = await undoFile(root, folder, each, disk);
    if (note !== undefined) notes.push(note);
  }
  await removeJournal(folder, disk);
  return notes;
}

async function undoFolder(
  root: string,
  folder: string,
  { path: place, fresh, aside, existed }: JournalFolder,
  disk: Disk,
): Promise<void> {
  const [here, there, old] = [
    path.join(root, place),
    path.join(folder, fresh),
    path.join(folder, aside),
  ];
  await tidyMove(here, disk);
  const isAside = await exists(old);
  // The old one still stands there, or stands there again.
  if (existed && !isAside) return;
  if (await exists(here)) {
    // By a rename, since removing 400 MB takes a while.
    if (await exists(there)) await disk.rm(here, { recursive: true, force: true });
    else await move(here, there, disk);
  }
  if (isAside) await move(old, here, disk);
}

async function undoFile(
  root: string,
  folder: string,
  { path: place, before, made, beforeHash, afterHash }: JournalFile,
  disk: Disk,
): Promise<string | undefined> {
  const file = path.join(root, place);
  await tidyMove(file, disk);
  const now = hashOf(await readIfThere(file));
  if (before === null && (now === afterHash || now === null)) {
    await disk.rm(file, { force: true });
    // One that holds something else stays.
    for (const each of made.toReversed()) await rmdir(path.join(root, each)).catch(() => undefined);
    return undefined;
  }
  if (now === beforeHash) return undefined;
  if (before === null) {
    return `${place} was changed meanwhile and stays; it did not exist before the update.`;
  }
  // The copy stays until all is done, so that this can be done again. A file that is gone is put back, too.
  const isOurs = now === afterHash || now === null;
  const target = isOurs ? file : `${file}.before-update`;
  const copy = path.join(folder, `${before}.back`);
  await disk.mkdir(path.dirname(target), { recursive: true });
  await disk.cp(path.join(folder, before), copy, { preserveTimestamps: true });
  await move(copy, target, disk);
  return isOurs
    ? undefined
    : `${place} was changed meanwhile and stays; what stood there before the update is in ${place}.before-update.`;
}
