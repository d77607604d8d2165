import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { check, checkObject, text } from "../../errors/check-values.js";
import { readContent } from "./read-content.js";
import { checkId, checkThreadId } from "./rollout-names.js";
import type { RolloutManifest, RolloutStore } from "./rollout-store.js";
import { syncFolder, WrittenFile } from "./written-file.js";

export interface DirectoryRolloutStoreOptions {
  /** A directory that all hosts see, which is made when it is needed. */
  readonly directory: string;
}

const manifestPattern = /^manifest-(\d+)\.json$/;

/** How often a manifest may be replaced while it is being read. */
const maxReads = 100;

/**
 * Keeps threads in a directory on a file system that all hosts share, each in a folder of its own: a file for each
 * rollout, and `manifest-<generation>.json`, of which the highest number counts. It needs a file system with hard links
 * (NFS and CephFS have them, as have those of a single machine): that a link cannot take the place of another file makes
 * sure that of two hosts one commits.
 *
 * What is not finished lies aside with a name that ends in `.part`. When a host dies meanwhile, that stays; delete such
 * files when they are a day old.
 */
export class DirectoryRolloutStore implements RolloutStore {
  readonly #directory: string;

  /** @throws InvalidArgumentError */
  constructor(options: DirectoryRolloutStoreOptions) {
    checkObject("options", options, { directory: text });
    check("options.directory", options.directory, text);
    this.#directory = path.resolve(options.directory);
  }

  async head(threadId: string): Promise<RolloutManifest | undefined> {
    const folder = this.#folderOf(threadId);
    for (let read = 1; ; read += 1) {
      const newest = await newestGeneration(folder);
      if (newest === 0) return undefined;
      try {
        return JSON.parse(await readFile(manifestAt(folder, newest), "utf8")) as RolloutManifest;
      } catch (error) {
        // A newer one has taken its place meanwhile.
        if (!isMissing(error) || read === maxReads) throw error;
      }
    }
  }

  async commit(manifest: RolloutManifest): Promise<boolean> {
    const { threadId, generation } = manifest;
    const folder = this.#folderOf(threadId);
    await mkdir(folder, { recursive: true });
    const before = await newestGeneration(folder);
    if (before !== generation - 1) return false;
    const aside = path.join(folder, `${randomUUID()}.part`);
    try {
      const handle = await open(aside, "wx", 0o600);
      try {
        await handle.writeFile(JSON.stringify(manifest));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await link(aside, manifestAt(folder, generation));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    } finally {
      await rm(aside, { force: true });
    }
    await syncFolder(folder);
    // Others may have gone on by more than one since we have looked, and removed the one that we have linked anew.
    if ((await newestGeneration(folder)) !== generation) {
      await rm(manifestAt(folder, generation), { force: true });
      return false;
    }
    if (before > 0) await rm(manifestAt(folder, before), { force: true });
    return true;
  }

  async write(threadId: string, name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await WrittenFile.open(this.#fileOf(threadId, name));
    try {
      const written = file.write(content);
      while (!(await written.next()).done);
      await file.finish();
      await file.keep();
    } finally {
      await file.discard();
    }
  }

  read(threadId: string, name: string): AsyncIterable<Uint8Array> {
    // Opened by whoever iterates it: of a stream that nobody reads, an error would be nobody's.
    return readContent(this.#fileOf(threadId, name));
  }

  async remove(threadId: string, name: string): Promise<void> {
    await rm(this.#fileOf(threadId, name), { force: true });
  }

  #folderOf(threadId: string): string {
    checkThreadId(threadId);
    return path.join(this.#directory, threadId);
  }

  #fileOf(threadId: string, name: string): string {
    checkId("name", name);
    return path.join(this.#folderOf(threadId), name);
  }
}

/** 0 when there is none. */
async function newestGeneration(folder: string): Promise<number> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  return Math.max(0, ...names.map((name) => Number(manifestPattern.exec(name)?.[1] ?? 0)));
}

function manifestAt(folder: string, generation: number): string {
  return path.join(folder, `manifest-${generation}.json`);
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
