import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { isRunning, processStart } from "../process-start.js";

/** Who holds the lock. */
interface Owner {
  readonly pid: number;
  /** See `processStart()`. */
  readonly started?: string;
  readonly host: string;
  /** When it took the lock, for people. */
  readonly since: string;
}

export interface Lock {
  /** Gives the lock back, and removes its folder where nothing else is left in it. */
  release(): Promise<void>;
}

/**
 * Takes the lock of a folder, which is made. A lock whose process has ended counts for nothing. Throws,
 * naming the process, while another one holds it.
 */
export async function takeLock(folder: string): Promise<Lock> {
  const file = path.join(folder, "lock");
  const own = path.join(folder, `lock.${randomUUID()}`);
  const started = await processStart(process.pid);
  const owner: Owner = {
    pid: process.pid,
    ...(started !== undefined && { started }),
    host: hostname(),
    since: new Date().toISOString(),
  };
  for (;;) {
    await mkdir(folder, { recursive: true });
    try {
      await writeFile(own, JSON.stringify(owner));
      // A link exists with its content from the first moment, or not at all.
      await link(own, file);
      return { release: () => release(folder, file) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another one has removed the folder at its end.
      if (code === "ENOENT") continue;
      if (code !== "EEXIST") throw error;
      await removeStale(file);
    } finally {
      await rm(own, { force: true });
      // The owner may have ended meanwhile, and not have removed a folder with our file in it.
      await rmdir(folder).catch(() => undefined);
    }
  }
}

async function release(folder: string, file: string): Promise<void> {
  await rm(file, { force: true });
  await rmdir(folder).catch(() => undefined);
}

/** Throws when the lock is held. */
async function removeStale(file: string): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const owner = parseOwner(text);
  if (owner && (owner.host !== hostname() || (await isRunning(owner.pid, owner.started)))) {
    const where = owner.host === hostname() ? "" : ` on ${owner.host}`;
    throw new Error(
      `Another update-artifacts runs here: process ${owner.pid}${where}, since ${owner.since}. ` +
        `Wait for its end; if it does not run any more, remove ${file}.`,
    );
  }
  const aside = `${file}.stale.${randomUUID()}`;
  await rename(file, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => undefined);
  // A third process was quicker, and this is its lock, not the stale one.
  if (moved !== undefined && moved !== text) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

function parseOwner(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Partial<Owner> | null;
    return typeof value?.pid === "number" && typeof value.host === "string"
      ? (value as Owner)
      : undefined;
  } catch {
    return undefined;
  }
}
