import { readdir } from "node:fs/promises";
import path from "node:path";
import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import { readContent, readsCompressed } from "./read-content.js";
import {
  archiveFolder,
  isCompressed,
  placeIn,
  sessionFolderOf,
  type RolloutPlace,
} from "./rollout-names.js";

/** A rollout on this host. */
export interface HostFile extends RolloutPlace {
  /** Where it lies. */
  readonly absolute: string;
}

/** The rollouts in the `CODEX_HOME` of a host. */
export class HostFiles {
  readonly home: string;

  constructor(home: string) {
    this.home = home;
  }

  /**
   * All files of a thread, given one of them: what was reverted goes on in another one beside it, and of these the
   * archive may have some.
   */
  async besides({ threadId, folder, file }: RolloutPlace): Promise<readonly HostFile[]> {
    const folders = new Set([folder, sessionFolderOf(file), archiveFolder]);
    const found = await Promise.all(Array.from(folders, (each) => this.#list(each)));
    return found.flat().filter((each) => each.threadId === threadId);
  }

  /** The file with this name, wherever the server may have put it; an uncompressed one before a compressed one. */
  async find({ folder, file }: RolloutPlace): Promise<readonly HostFile[]> {
    const folders = new Set([folder, sessionFolderOf(file), archiveFolder]);
    const found = await Promise.all(Array.from(folders, (each) => this.#list(each)));
    const all = found.flat().filter((each) => each.file === file);
    return all.sort((one, other) => rank(one) - rank(other));
  }

  /** Where it is to lie on this host, uncompressed. */
  absolute({ folder, file }: RolloutPlace): string {
    return path.join(this.home, ...folder.split("/"), file);
  }

  async #list(folder: string): Promise<readonly HostFile[]> {
    const directory = path.join(this.home, ...folder.split("/"));
    const names = await readdir(directory).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    });
    return names.flatMap((name) => {
      const place = placeIn(folder, name);
      return place ? [{ ...place, absolute: path.join(directory, name) }] : [];
    });
  }
}

/**
 * The content of a file on this host, or its first `size` bytes.
 *
 * @throws ThreadNotMovedError for one that this version of Node.js cannot read.
 */
export function contentOf(
  { absolute, threadId }: HostFile,
  size?: number,
): AsyncIterable<Uint8Array> {
  if (isCompressed(absolute) && !readsCompressed) {
    throw new ThreadNotMovedError("compressed", threadId);
  }
  return readContent(absolute, size);
}

function rank({ absolute }: HostFile): number {
  return isCompressed(absolute) ? 1 : 0;
}
