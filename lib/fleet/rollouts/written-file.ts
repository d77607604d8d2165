import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";

/** A file that is written aside, and takes its place when all of it is on the disk. */
export class WrittenFile {
  readonly #target: string;
  readonly #aside: string;
  readonly #handle: FileHandle;
  #isOpen = true;

  /** Written in the folder of its place, from which it can be moved at once. */
  static async open(target: string): Promise<WrittenFile> {
    const folder = path.dirname(target);
    await mkdir(folder, { recursive: true });
    // No name that a server takes for a rollout.
    const aside = path.join(folder, `.${randomUUID()}.part`);
    return new WrittenFile(target, aside, await open(aside, "wx", 0o600));
  }

  private constructor(target: string, aside: string, handle: FileHandle) {
    this.#target = target;
    this.#aside = aside;
    this.#handle = handle;
  }

  /** Writes the content, and passes it on. */
  async *write(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of content) {
      for (let at = 0; at < chunk.length;) {
        at += (await this.#handle.write(chunk, at)).bytesWritten;
      }
      yield chunk;
    }
  }

  /** Resolves when all of it is on the disk. */
  async finish(): Promise<void> {
    await this.#handle.sync();
    await this.#close();
  }

  /** It takes its place, and that of what was there. */
  async keep(): Promise<void> {
    await rename(this.#aside, this.#target);
    await syncFolder(path.dirname(this.#target));
  }

  /** Removes what is still aside. */
  async discard(): Promise<void> {
    await this.#close().catch(() => undefined);
    await rm(this.#aside, { force: true });
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }
}

/** So that a name survives a power failure, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
