import { AppServerError } from "./base.js";
import { InvalidRequestError, JsonRpcError, type RpcFailure } from "./rpc-errors.js";
import { says, serverSentences, type SentenceName } from "./server-sentences.js";

/**
 * The server could not start the command. Most often the program is not on the server's `PATH`, or
 * `cwd` is not a directory there: the server does not tell these two apart. In a sandbox it starts its own
 * program for each command, so the files of the runtime must still be where it was started from.
 */
export class CommandNotStartedError extends JsonRpcError {
  override readonly code = "COMMAND_NOT_STARTED";
  /**
   * The file of the runtime, when this client has started the server from it and it is gone. No command
   * starts in a sandbox any more: close the client, and start another.
   */
  readonly missingRuntime: string | undefined;

  constructor(failure: RpcFailure, missingRuntime?: string) {
    super(
      failure,
      missingRuntime === undefined
        ? "Check on the server's machine that the program is on the PATH and that cwd is a directory. If the " +
            "server's own files were moved or removed while it ran, start the server again."
        : `The files of the runtime were moved or removed while the server ran: ${missingRuntime} is ` +
            "gone. Close this client and start another.",
    );
    this.missingRuntime = missingRuntime;
  }
}

/** The command has ended, so that nothing can be written to it and its terminal has no size. */
export class CommandEndedError extends InvalidRequestError {
  override readonly code = "COMMAND_ENDED";
}

/** A command's output can be iterated once, by one consumer, and only where it is streamed. */
export class OutputStreamError extends AppServerError {
  override readonly code = "OUTPUT_STREAM_UNAVAILABLE";
  override readonly sent = false;
}

/**
 * More of a command's output was waiting to be read than `maxBacklogBytes` allows. Earlier output was
 * delivered; the iteration has lost the rest. The command runs on.
 */
export class OutputOverflowError extends AppServerError {
  override readonly code = "OUTPUT_OVERFLOW";
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(
      `More than ${limitBytes} bytes of output were waiting to be read. Read on while the command ` +
        "runs, or raise maxBacklogBytes.",
    );
    this.limitBytes = limitBytes;
  }
}

/** The watch or the search is closed. */
export class HandleClosedError extends AppServerError {
  override readonly code = "HANDLE_CLOSED";
  override readonly sent = false;

  constructor(what: string, call: string) {
    super(`${what} is closed. Start another with ${call}.`);
  }
}

/** The server's file system refused. `errno` says why, in the names that Node has for it. */
export class FileSystemError extends JsonRpcError {
  override readonly code: "FILE_SYSTEM_ERROR" | "FILE_NOT_FOUND" = "FILE_SYSTEM_ERROR";
  /**
   * The name of the error in Node.js, such as `"EACCES"`, `"EEXIST"` or `"ENOTEMPTY"`; `null` when the
   * server's words are unknown.
   */
  readonly errno: string | null;

  constructor(failure: RpcFailure, errno: string | null) {
    super(failure);
    this.errno = errno;
  }
}

/** There is no such file or directory, or its parent directory is missing. */
export class FileNotFoundError extends FileSystemError {
  override readonly code = "FILE_NOT_FOUND";

  constructor(failure: RpcFailure) {
    super(failure, "ENOENT");
  }
}

/** The errors of commands and files, which the server tells apart by words only. */
export function toMachineError(failure: RpcFailure): JsonRpcError | undefined {
  const { method, message } = failure;
  if (method === "command/exec" || method === "process/spawn") {
    return says(message, "failedToSpawn") ? new CommandNotStartedError(failure) : undefined;
  }
  if (method.startsWith("command/exec/") || method.startsWith("process/")) {
    return says(message, "noActiveCommand", "commandNoLongerRuns")
      ? new CommandEndedError(failure, "The command has ended: start another one.")
      : undefined;
  }
  return method.startsWith("fs/") ? toFileSystemError(failure) : undefined;
}

function toFileSystemError(failure: RpcFailure): JsonRpcError | undefined {
  // The only one of these sentences that quotes the path.
  if (says(failure.message, "notAFile")) {
    return new FileSystemError({ ...failure, message: "the path is not a file" }, "EISDIR");
  }
  if (failure.rpcCode !== -32_603) return undefined;
  const errno = errnos.find((name) => says(failure.message, name));
  return errno === "ENOENT"
    ? new FileNotFoundError(failure)
    : new FileSystemError(failure, errno ?? null);
}

const errnos = (Object.keys(serverSentences) as SentenceName[]).filter((name) =>
  /^E[A-Z]+$/.test(name),
);
