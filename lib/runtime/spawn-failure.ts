import { statSync, type Stats } from "node:fs";
import path from "node:path";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { BinaryNotFoundError, SpawnError } from "../errors/start-errors.js";

/**
 * Puts into words why the operating system did not start `command`.
 *
 * The system's own error is deliberately not the `cause`: Node puts all arguments on it, and with
 * them the configuration, which would end up in logs.
 */
export function explainSpawnFailure(
  error: NodeJS.ErrnoException,
  command: string,
  cwd?: string,
): SpawnError | BinaryNotFoundError {
  // Systems report a missing working directory as if the program were missing.
  if (cwd !== undefined && lookAt(cwd)?.isDirectory() !== true) {
    return new SpawnError(
      command,
      `its working directory ${cwd} does not exist. Make it, or correct cwd.`,
    );
  }
  const isPath = path.basename(command) !== command;
  const file = isPath ? path.resolve(cwd ?? "", command) : undefined;
  const found = file === undefined ? undefined : lookAt(file);
  if (error.code === "ENOENT" && found === undefined) {
    return new BinaryNotFoundError(
      [`${command}: ${isPath ? "no such file" : "no program of that name on the PATH"}`],
      `Correct the command, or leave it out and run: npm install @openai/codex@${RUNTIME_VERSION}`,
    );
  }
  return new SpawnError(command, problemOf(error.code, command, found));
}

function problemOf(code: string | undefined, command: string, found: Stats | undefined): string {
  switch (code) {
    case "ENOENT":
      return "the file exists, but the interpreter or loader that it names is missing. Install it, or name another file.";
    case "EACCES":
    case "EPERM":
      return accessProblem(command, found);
    case "ENOEXEC":
    case "EFTYPE":
    case "ELIBBAD":
    case "EBADARCH":
    case "UNKNOWN":
    case "Unknown system error -86": // EBADARCH, which Node does not know by name
      return `it is built for another machine, or not a program; this machine is ${process.platform}/${process.arch}.`;
    case "E2BIG":
    case "ENAMETOOLONG":
      return (
        "its arguments and environment are too large. config is passed as arguments, at most " +
        "128 KiB each on Linux and 32 KiB together on Windows: move large values into config.toml."
      );
    case "EMFILE":
    case "ENFILE":
      return `too many files are open (${code}). Close some, or raise the limit (ulimit -n).`;
    case "EAGAIN":
    case "ENOMEM":
      return `the system has no memory or process left for it (${code}). Try again when other programs have ended.`;
    case "EINVAL":
      return process.platform === "win32"
        ? "Windows starts no .cmd or .bat file without a shell; name the program behind it."
        : "the system rejected it (EINVAL).";
    default:
      return `the system rejected it (${code ?? "no code"}).`;
  }
}

function accessProblem(command: string, found: Stats | undefined): string {
  if (found?.isDirectory()) return "it is a directory: name the program in it.";
  if (found !== undefined && (found.mode & 0o111) === 0) {
    return `it is not executable. Run: chmod +x ${quoted(command)}`;
  }
  return "permission denied: check the mode of the file and of the directories above it, and for a noexec mount.";
}

function quoted(file: string): string {
  return /^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
}

function lookAt(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}
