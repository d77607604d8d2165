import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";

/** The other processes that hold locks of databases. */
export interface LockHolders {
  /** Those that have them open, as every server of a shared directory has. */
  readonly readers: ReadonlySet<number>;
  /** Those that keep everybody else out of one. */
  readonly writers: ReadonlySet<number>;
}

/**
 * The processes that hold locks of SQLite's databases in a directory. Linux alone tells of them; elsewhere,
 * and for file systems whose numbers it tells differently, there seem to be none.
 */
export async function lockHolders(directory: string): Promise<LockHolders> {
  const locks = parseLocks(await readFile("/proc/locks", "utf8").catch(() => ""));
  const names = (await readdir(directory).catch(() => [])).filter((name) => isDatabase.test(name));
  const readers = new Set<number>();
  const writers = new Set<number>();
  for (const name of names) {
    const found = await stat(path.join(directory, name)).catch(() => undefined);
    const file = found && `${majorOf(found.dev)}:${minorOf(found.dev)}:${found.ino}`;
    for (const { pid, isWrite } of locks.filter((lock) => lock.file === file)) {
      // What is locked beside a database, for moments, is its journal; the readers go on meanwhile.
      if (isWrite && name.endsWith(".sqlite")) writers.add(pid);
      else readers.add(pid);
    }
  }
  return { readers, writers };
}

const isDatabase = /\.sqlite(?:-shm)?$/;

interface Lock {
  readonly pid: number;
  readonly isWrite: boolean;
  /** The numbers of the device and of the file. */
  readonly file: string;
}

/** Lines such as `1: POSIX  ADVISORY  WRITE 10906 fe:00:2146823 128 128`. */
export function parseLocks(text: string): Lock[] {
  return text.split("\n").flatMap((line) => {
    const found = / (READ|WRITE) +(\d+) ([\da-f]+):([\da-f]+):(\d+) /.exec(line);
    // One that waits has an arrow.
    if (!found || line.includes(" FLOCK ") || line.includes("->")) return [];
    const [, kind, pid, major = "", minor = "", inode = ""] = found;
    const file = `${parseInt(major, 16)}:${parseInt(minor, 16)}:${inode}`;
    return [{ pid: Number(pid), isWrite: kind === "WRITE", file }];
  });
}

function majorOf(device: number): number {
  return (device >>> 8) & 0xfff;
}

function minorOf(device: number): number {
  return (device & 0xff) | ((device >>> 12) & 0xfff00);
}
