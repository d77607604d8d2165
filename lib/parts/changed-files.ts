import { fieldsOf, listOf, textOf } from "./loose-fields.js";
import { outsidePath, type VisiblePaths } from "./visible-paths.js";

/**
 * The files that a turn has changed. The headers of the turn's diff name them relative to a directory that
 * the server does not tell: the root of a repository, or what all files have in common. So each is looked up
 * here, where the whole paths are known.
 */
export class ChangedFiles {
  readonly #paths: VisiblePaths;
  /** Whole paths, with slashes, by their last names. */
  readonly #files = new Map<string, Set<string>>();

  constructor(paths: VisiblePaths) {
    this.#paths = paths;
  }

  add(changes: unknown): void {
    for (const change of listOf(changes)) {
      const { path, kind } = fieldsOf(change);
      for (const file of [textOf(path), textOf(fieldsOf(kind)["move_path"])]) {
        if (file !== undefined) this.#addFile(file.replaceAll("\\", "/"));
      }
    }
  }

  /** A path of the turn's diff as it may be shown. */
  show(path: string): string {
    const end = path.startsWith("/") ? path : `/${path}`;
    const shown = [...(this.#files.get(lastName(path)) ?? [])]
      .filter((file) => file === path || file.endsWith(end))
      .map((file) => this.#paths.show(file));
    return shown.find((each) => each !== outsidePath) ?? outsidePath;
  }

  #addFile(file: string): void {
    const name = lastName(file);
    const known = this.#files.get(name) ?? new Set();
    this.#files.set(name, known.add(file));
  }
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
