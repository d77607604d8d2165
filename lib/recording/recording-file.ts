import { open, type FileHandle } from "node:fs/promises";
import type { Logger } from "../async/logger.js";

/**
 * The file of a recording, which its owner alone may read. What cannot be written ends the recording, with
 * one warning.
 */
export class RecordingFile {
  readonly #path: string;
  readonly #logger: Required<Logger>;
  #opened: Promise<FileHandle> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #hasStopped = false;
  /** The file is this recording's already. */
  #isAppending = false;

  constructor(path: string, logger: Required<Logger>) {
    this.#path = path;
    this.#logger = logger;
  }

  get hasStopped(): boolean {
    return this.#hasStopped;
  }

  /** Writes behind what was written before. Resolves when it is done; never rejects. */
  write(text: string): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(text));
    return this.#writing;
  }

  /** Ends the recording; the file keeps what it has. */
  stop(problem: string): void {
    if (this.#hasStopped) return;
    this.#hasStopped = true;
    this.#logger.warn(`The recording has stopped: ${problem}.`);
  }

  /** Closes the file once all is written; a later write opens it again and goes on at its end. */
  close(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#close());
    return this.#writing;
  }

  async #close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (!opened) return;
    this.#isAppending = true;
    await opened.then((file) => file.close()).catch(() => undefined);
  }

  async #write(text: string): Promise<void> {
    if (this.#hasStopped || text === "") return;
    try {
      this.#opened ??= this.#open();
      await (await this.#opened).appendFile(text);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.stop(`its file cannot be written (${code ?? "unknown"})`);
    }
  }

  /** The mode counts for a new file only; one that is there may have been for others to read. */
  async #open(): Promise<FileHandle> {
    const file = await open(this.#path, this.#isAppending ? "a" : "w", 0o600);
    try {
      await file.chmod(0o600);
    } catch (error) {
      await file.close();
      throw error;
    }
    return file;
  }
}
