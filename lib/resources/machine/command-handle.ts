import { isBytes } from "../../async/realms.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { GetSession } from "../../session/session.js";
import { checkSize, type CommandControls, type TerminalSize } from "./command-options.js";
import type { CommandResult } from "../../results/command-result.js";
import { CommandRun } from "./command-run.js";
import { OutputStream } from "./output-stream.js";
import type { RemoteCommand } from "./remote-command.js";

/**
 * A command on the server's machine. It is under way from the moment this handle is made.
 *
 * Await `exit` for its result, iterate `stdout` and `stderr` while it runs, or both. Leaving one of these
 * loops lets the command run on; `terminate()`, an abort signal, or the end of an `await using` block ends
 * it. It also ends with the connection.
 */
export class CommandHandle implements AsyncDisposable {
  /** The command's stdout; with `tty`, all its output. */
  readonly stdout: OutputStream;
  /** The command's stderr; empty with `tty`. */
  readonly stderr: OutputStream;
  readonly #run: CommandRun;
  readonly #openStdin: boolean;

  /** @internal Use `exec` or `spawn`. */
  constructor(getSession: GetSession, command: RemoteCommand, controls: CommandControls) {
    this.#run = new CommandRun(getSession, command, controls);
    this.#openStdin = controls.openStdin;
    const { streamOutput } = controls;
    this.stdout = new OutputStream(streamOutput ? this.#run.stdout : undefined);
    this.stderr = new OutputStream(streamOutput ? this.#run.stderr : undefined);
  }

  /**
   * Resolves when the command has ended, whatever its exit code: `grep` and `diff`, for example, say
   * something with theirs. With `throwOnFailure` it rejects with a CommandFailedError for a code other
   * than 0. Not awaiting it is fine.
   *
   * It also rejects with a CommandNotStartedError, a TransportClosedError, `signal.reason`, or a refusal
   * of the server.
   */
  get exit(): Promise<CommandResult> {
    return this.#run.exit;
  }

  /**
   * Writes to the command's stdin (`command/exec/write`, `process/writeStdin`): text as UTF-8, or
   * bytes. Calls are carried out in order. Resolves when the server has taken it; a command that does
   * not read may keep it waiting.
   *
   * The server holds about 130 writes for a command that does not read, of whatever size. After that
   * it cannot end the command any more, neither by `terminate()` nor by `timeoutMs`, until the command
   * reads on or ends: write few large pieces rather than many small ones.
   *
   * @throws CommandEndedError when the command has ended; InvalidArgumentError when its stdin was not
   * opened with `stdin: true` or `tty: true`.
   */
  async write(data: string | Uint8Array): Promise<void> {
    this.#checkStdin();
    if (typeof data !== "string" && !isBytes(data)) {
      throw new InvalidArgumentError("data", "must be a string or a Uint8Array");
    }
    await this.#run.write(data, false);
  }

  /** Ends the command's stdin, after everything written so far. @throws what `write` throws. */
  async closeStdin(): Promise<void> {
    this.#checkStdin();
    await this.#run.write(undefined, true);
  }

  /**
   * Changes the size of the command's terminal (`command/exec/resize`, `process/resizePty`).
   *
   * @throws InvalidArgumentError for a size that no terminal has; InvalidRequestError when there is
   * no terminal; CommandEndedError.
   */
  async resize(size: TerminalSize): Promise<void> {
    checkSize("size", size);
    await this.#run.resize({ cols: size.cols, rows: size.rows });
  }

  /**
   * Ends the command and its child processes, by force (`command/exec/terminate`, `process/kill`).
   * Resolves when the server has agreed, or the command has ended anyway; `exit` follows. Safe at any time
   * and any number of times.
   *
   * @throws RequestTimeoutError when the server does not do it within 10 seconds (see `write`).
   */
  terminate(): Promise<void> {
    return this.#run.terminate();
  }

  /** Ends the command if it still runs, and waits for its end, for at most 10 seconds. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#run.terminateAndWait();
  }

  #checkStdin(): void {
    if (this.#openStdin) return;
    throw new InvalidArgumentError("stdin", "must be true for a command that is written to");
  }
}
