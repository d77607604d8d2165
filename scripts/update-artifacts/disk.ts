import { cp, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";

/** What is done to the disk while the checkout is changed; tests let it fail. */
export interface Disk {
  readonly cp: typeof cp;
  readonly mkdir: typeof mkdir;
  readonly rename: typeof rename;
  readonly rm: typeof rm;
  readonly writeFile: typeof writeFile;
}

export const disk: Disk = { cp, mkdir, rename, rm, writeFile };

/**
 * Moves a file or a folder. Between file systems it is copied beside its destination first, and renamed before it
 * is removed: whatever is at `from` or at `to` is whole, also when this is killed.
 */
export async function move(from: string, to: string, { cp, rename, rm }: Disk): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const beside = `${to}.moving`;
    await rm(beside, { recursive: true, force: true });
    await cp(from, beside, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    await rename(beside, to);
    const moved = `${from}.moved`;
    await rm(moved, { recursive: true, force: true });
    await rename(from, moved);
    await rm(moved, { recursive: true, force: true });
  }
}

/** Removes what a `move()` from or to a place has left beside it when it was killed. */
export async function tidyMove(place: string, { rm }: Disk): Promise<void> {
  for (const suffix of [".moving", ".moved"])
    await rm(`${place}${suffix}`, { recursive: true, force: true });
}

/** Writes a file whose content is on the disk when this resolves. */
export async function writeDurably(file: string, text: string, { rename }: Disk): Promise<void> {
  const beside = `${file}.new`;
  const handle = await open(beside, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}

export async function exists(place: string): Promise<boolean> {
  return (await stat(place).catch(() => undefined)) !== undefined;
}

/** A file's bytes, `undefined` where there is none. */
export async function readIfThere(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}
