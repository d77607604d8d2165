import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type { FsReadDirectoryEntry } from "../../../generated/types.js";
import { check, checkText, checkTexts, textOrBytes } from "../../errors/check-values.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../../protocol.js";
import { requestKeys, type RequestOptions } from "../../jsonrpc/connection.js";
import { fromBase64, toBase64 } from "./base64.js";
import { Resource } from "../resource.js";

/** The properties of a file or a directory, as `stat` gives them. */
export type FileStat = ResultOf<"fs/getMetadata">;
/** An entry of a directory, as `readDir` gives it; links that lead nowhere are left out. */
export type DirectoryEntry = FsReadDirectoryEntry;

export interface MakeDirectoryOptions extends RequestOptions {
  /** Also makes the directories above, and does not mind when it is there already (default false). */
  recursive?: boolean | undefined;
}

export interface RemoveOptions extends RequestOptions {
  /** Removes a directory with all that is in it (default false). */
  recursive?: boolean | undefined;
  /** Does not mind when there is nothing of that name (default false). */
  force?: boolean | undefined;
}

export interface CopyOptions extends RequestOptions {
  /** Copies a directory with all that is in it (default false). */
  recursive?: boolean | undefined;
}

/** The options of all methods; as in Node.js, some have no effect on some methods. */
const fileKeys: KeysOf<
  Omit<MakeDirectoryOptions & CopyOptions & RemoveOptions, "late" | "onSent">
> = {
  ...requestKeys,
  recursive: true,
  force: true,
};

/**
 * The files of the server's machine, with the rights of the server's user: no sandbox limits what is
 * read or written here. A relative path starts at the working directory of this process when the server
 * shares its files (see `sharesFiles`), and is refused otherwise. Names and defaults are those of
 * `node:fs/promises`, not of the server, which would remove directories with all that is in them.
 *
 * Each method takes `{ signal, timeoutMs }` too, and throws a FileNotFoundError, another
 * FileSystemError, an InvalidArgumentError for a path that cannot be told to the server, or what
 * `AppServerClient.request` throws.
 */
export class Files extends Resource {
  /** Reads a file (`fs/readFile`). */
  async read(path: string, options?: RequestOptions): Promise<Uint8Array> {
    return this.#read(path, options);
  }

  /** Reads a file as UTF-8 text; bytes that are not UTF-8 become U+FFFD. */
  async readText(path: string, options?: RequestOptions): Promise<string> {
    return (await this.#read(path, options)).toString("utf8");
  }

  /** Writes these bytes or this text to a file, which is made or replaced (`fs/writeFile`). */
  async write(path: string, data: string | Uint8Array, options?: RequestOptions): Promise<void> {
    check("data", data, textOrBytes);
    await this.#call("fs/writeFile", { path, dataBase64: toBase64(data) }, options);
  }

  /** Makes a directory (`fs/createDirectory`). */
  async mkdir(path: string, options: MakeDirectoryOptions = {}): Promise<void> {
    const { recursive = false, ...request } = options;
    await this.#call("fs/createDirectory", { path, recursive }, request);
  }

  /**
   * Reads the properties of a path (`fs/getMetadata`), following links, except for `isSymlink`. Times are
   * ms since the epoch, 0 when the system does not know.
   */
  async stat(path: string, options?: RequestOptions): Promise<FileStat> {
    return this.#call("fs/getMetadata", { path }, options);
  }

  /** Lists the entries of a directory, in no order (`fs/readDirectory`). */
  async readDir(path: string, options?: RequestOptions): Promise<DirectoryEntry[]> {
    return (await this.#call("fs/readDirectory", { path }, options)).entries;
  }

  /** Removes a file or an empty directory, or with `recursive` any directory (`fs/remove`). */
  async remove(path: string, options: RemoveOptions = {}): Promise<void> {
    const { recursive = false, force = false, ...request } = options;
    await this.#call("fs/remove", { path, recursive, force }, request);
  }

  /** Copies a file, or with `recursive` a directory, over an existing one (`fs/copy`). */
  async copy(from: string, to: string, options: CopyOptions = {}): Promise<void> {
    checkTexts({ from, to });
    const { recursive = false, ...request } = options;
    const params = { sourcePath: from, destinationPath: to, recursive };
    await this.#call("fs/copy", params, request);
  }

  async #read(path: string, options: RequestOptions | undefined): Promise<Buffer> {
    const { dataBase64 } = await this.#call("fs/readFile", { path }, options);
    return fromBase64(dataBase64);
  }

  async #call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M> & object,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    if ("path" in params) checkText("path", params.path);
    checkOptions("codex.files", options, fileKeys);
    return this.call(method, params, options);
  }
}
