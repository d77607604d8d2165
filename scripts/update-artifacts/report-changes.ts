import type { Changes } from "./apply.js";
import { updated } from "./collect-changes.js";

/** Says what was changed, a line for each file, and for each folder of made files. */
export function reportChanges({ files, folders }: Changes, log: (line: string) => void): void {
  if (files.length === 0 && folders.length === 0) {
    log("Nothing to change: everything is up to date.");
    return;
  }
  const folderOf = (place: string): string | undefined =>
    updated.folders.find((folder) => place.startsWith(`${folder}/`));
  log("Changed:");
  for (const { path: place } of files) if (folderOf(place) === undefined) log(`  ${place}`);
  for (const folder of updated.folders) {
    const count = files.filter(({ path: place }) => folderOf(place) === folder).length;
    if (count > 0) log(`  ${folder}/ (${count} ${count === 1 ? "file" : "files"})`);
  }
  for (const { path: place } of folders) log(`  ${place}/`);
}
