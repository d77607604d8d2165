import { posix, resolve, win32 } from "node:path";
import type { PathKind } from "../../generated/paths.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

/** How the server of a connection sees files. */
export interface ServerFiles {
  /** Whether it sees those of this process, under the same paths. */
  readonly areShared: boolean;
  /** `"unix"` or `"windows"`; empty when the server has not told. */
  readonly platformFamily: string;
  /** The home directory of the server's user, where that is known. */
  readonly home: string | undefined;
}

/** Whether the server takes the path for an absolute one, which means the same wherever it runs. */
export function isAbsoluteFor(
  { platformFamily }: Pick<ServerFiles, "platformFamily">,
  path: string,
): boolean {
  switch (platformFamily) {
    case "unix":
      return posix.isAbsolute(path);
    case "windows":
      // Node also takes `\\dir` for one, which starts at whatever drive is the current one.
      return /^(?:[a-z]:[\\/]|[\\/]{2})/i.test(path);
    default:
      return posix.isAbsolute(path) || win32.isAbsolute(path);
  }
}

/**
 * The path as the server is to get it. A relative one starts at the working directory of this process, not
 * at the server's own; it has no meaning for a server that does not see the files of this process. `~` is
 * the home directory of the server's user.
 *
 * @throws InvalidArgumentError for a relative path that the server cannot be told.
 */
export function toServerPath(
  files: ServerFiles,
  argument: string,
  path: string,
  kind: PathKind = "absolute",
): string {
  if (path === "") throw new InvalidArgumentError(argument, "must be a path that is not empty");
  if (isAbsoluteFor(files, path)) return path;
  if (/^~(?=[\\/]|$)/.test(path)) return inHome(files, argument, path, kind);
  if (!files.areShared) throw new InvalidArgumentError(argument, notShared);
  const absolute = fromHere(argument, path);
  if (isAbsoluteFor(files, absolute)) return absolute;
  throw new InvalidArgumentError(argument, otherSystem);
}

/**
 * A relative path from the working directory of this process.
 *
 * @throws InvalidArgumentError when that directory was removed.
 */
export function fromHere(argument: string, path: string): string {
  let here: string;
  try {
    here = process.cwd();
  } catch (cause) {
    throw new InvalidArgumentError(argument, nowhere, { cause });
  }
  return resolve(here, path);
}

function inHome({ home }: ServerFiles, argument: string, path: string, kind: PathKind): string {
  if (home !== undefined) return resolve(home, `.${path.slice(1)}`);
  // The server knows it.
  if (kind === "text") return path;
  throw new InvalidArgumentError(argument, homeUnknown);
}

const notShared =
  "must be an absolute path on the server's system: a relative one starts at the working directory of " +
  "this process, whose files this server does not share. If it does share them, set sharesFiles: true";

const otherSystem =
  "must be an absolute path on the server's system, which is not the one that this process runs on";

const nowhere =
  "must be an absolute path: the working directory of this process, where a relative one starts, is gone";

const homeUnknown =
  "must not begin with ~, since the home directory of this server's user is not known. Name the " +
  "directory in full";
