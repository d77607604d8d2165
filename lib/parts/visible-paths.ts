/** Stands for a path that lies outside of the thread's directory. */
export const outsidePath = "[outside]";

interface ParsedPath {
  /** `"/"`, or a drive or share such as `"c:"`; empty for a relative path. */
  readonly root: string;
  readonly names: readonly string[];
}

const windowsPath = /^(?:[a-z]:[\\/]|\\\\)/i;

/**
 * Decides how paths are shown: those in the thread's directory relative to it, others as `"[outside]"`. It
 * knows paths of both kinds of systems, as the server may run on another one.
 */
export class VisiblePaths {
  readonly #cwd: ParsedPath | undefined;
  readonly #isWindows: boolean;
  readonly #showsAll: boolean;

  /** Without `cwd`, every absolute path is outside. `showsAll`: those outside are shown as they are. */
  constructor(cwd: string | undefined, showsAll: boolean) {
    this.#isWindows = cwd !== undefined && windowsPath.test(cwd);
    this.#cwd = cwd === undefined ? undefined : parse(cwd, this.#isWindows);
    this.#showsAll = showsAll;
  }

  get showsAll(): boolean {
    return this.#showsAll;
  }

  /** The path as it may be shown. */
  show(path: string): string {
    return this.showOrHide(path) ?? outsidePath;
  }

  /** The same, but undefined in place of `"[outside]"`. */
  showOrHide(path: string): string | undefined {
    return this.#relative(path) ?? (this.#showsAll ? path : undefined);
  }

  /** With slashes; `"."` for the directory itself. Undefined for what is outside. */
  #relative(path: string): string | undefined {
    const parsed = parse(path, this.#isWindows || windowsPath.test(path));
    if (!parsed) return undefined;
    const { root, names } = parsed;
    if (root === "") return names.join("/") || ".";
    if (!this.#cwd || this.#cwd.root !== root) return undefined;
    const isInside = this.#cwd.names.every((name, index) => this.#isSame(name, names[index]));
    return isInside ? names.slice(this.#cwd.names.length).join("/") || "." : undefined;
  }

  #isSame(one: string, other: string | undefined): boolean {
    if (!this.#isWindows) return one === other;
    return one.toLowerCase() === other?.toLowerCase();
  }
}

/** Undefined for what leads out of the directory that it is relative to, and for no path at all. */
function parse(path: string, isWindows: boolean): ParsedPath | undefined {
  // A URL, or somebody's home.
  if (/^[a-z][a-z\d+.-]+:\/\//i.test(path) || path.startsWith("~")) return undefined;
  const { root, rest } = isWindows ? splitWindows(path) : splitPosix(path);
  const names: string[] = [];
  for (const name of isWindows ? rest.split(/[\\/]/) : rest.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined && root === "") return undefined;
  }
  return { root, names };
}

function splitPosix(path: string): { root: string; rest: string } {
  return path.startsWith("/") ? { root: "/", rest: path.slice(1) } : { root: "", rest: path };
}

function splitWindows(path: string): { root: string; rest: string } {
  // The long form of a path, as Rust gives it.
  const short = path.replace(/^\\\\[?.]\\(?:UNC\\)?/i, (prefix) =>
    /UNC/i.test(prefix) ? "\\\\" : "",
  );
  const drive = /^[a-z]:/i.exec(short)?.[0];
  if (drive) return { root: drive.toLowerCase(), rest: short.slice(2) };
  const share = /^[\\/]{1,2}/.exec(short)?.[0];
  return share ? { root: "\\", rest: short.slice(share.length) } : { root: "", rest: short };
}
