import { posix, win32 } from "node:path";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { GivenSandbox } from "./new-thread-sandbox.js";

/** The directory of a thread. */
interface Place {
  /** The thread's working directory, as the server told it. */
  readonly cwd: string;
  /** The home directory of the server's user, where that is known. */
  readonly home: string | undefined;
}

/**
 * The sandbox with its directories as the server reads them in the `config` of `thread/start`: relative
 * ones lie in the thread's directory, and `~` is its user's home. `thread/settings/update` takes absolute
 * ones only.
 *
 * @throws InvalidArgumentError for one below a home directory that is not known.
 */
export function withAbsoluteRoots(given: GivenSandbox, place: Place): GivenSandbox {
  if (!("sandboxPolicy" in given)) return given;
  const { sandboxPolicy } = given;
  if (sandboxPolicy.type !== "workspaceWrite") return given;
  const writableRoots = (sandboxPolicy.writableRoots ?? []).map((root) => absolute(root, place));
  return { ...given, sandboxPolicy: { ...sandboxPolicy, writableRoots } };
}

function absolute(root: string, { cwd, home }: Place): string {
  const paths = posix.isAbsolute(cwd) ? posix : win32;
  if (!/^~(?=[\\/]|$)/.test(root)) return paths.resolve(cwd, root);
  if (home !== undefined) return paths.join(home, root.slice(1));
  throw new InvalidArgumentError(
    "config.sandbox_workspace_write.writable_roots",
    "must not begin with ~, since the home directory of this server's user is not known. Name the " +
      "directory in full, or start the thread with trustProject: true",
  );
}
