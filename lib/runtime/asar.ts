import { kindOf } from "./files.js";

/** Whatever a path has up to and with its first `*.asar`; `app.asar.unpacked` is no archive. */
const upToArchive = /^.*?[^\\/]\.asar(?=[\\/]|$)/is;

/**
 * The Electron archive that a path leads into, such as `/opt/app/resources/app.asar`. Electron shows an
 * archive to its code as a directory; for the system it is one file, from which no program starts.
 */
export function archiveOf(file: string): string | undefined {
  return upToArchive.exec(file)?.[0];
}

/**
 * The real place of `file`: what an application has unpacked from its archive is beside it, in
 * `app.asar.unpacked`. Any other path comes back as it is.
 */
export async function onDisk(file: string): Promise<string> {
  const archive = archiveOf(file);
  if (archive === undefined) return file;
  const unpacked = `${archive}.unpacked${file.slice(archive.length)}`;
  return (await kindOf(unpacked)) === "missing" ? file : unpacked;
}

/** Whether this process shows archives as directories, so that what it finds in one is not on the disk. */
export function showsArchives(): boolean {
  return "electron" in process.versions;
}
