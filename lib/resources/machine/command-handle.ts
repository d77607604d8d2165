import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { Life, type Failure } from "../../async/life.js";
import { settleWithin } from "../../async/timers.js";
import { check, textOrBytes } from "../../errors/check-values.js";
import { ProtocolError, copyError } from "../../errors/connection-errors.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { CommandEndedError } from "../../errors/machine-errors.js";
import type { CommandResult } from "../../results/command-result.js";
import type { GetSession, Session } from "../../session/session.js";
import { toBase64 } from "./base64.js";
import { CommandFailedError } from "./command-failed-error.js";
import { checkSize, type CommandControls, type TerminalSize } from "./command-options.js";
import { OutputStream } from "./output-stream.js";
import { askAbout, type CommandEnding, type RemoteCommand } from "./remote-command.js";

/** How long a command that is being ended may take before nobody waits any longer (ms). */
const stopGraceMs = 10_000;

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
  readonly #command: RemoteCommand;
  readonly #controls: CommandControls;
  readonly #exit = new Deferred<CommandResult>();
  readonly #life = new Life();
  /** Resolves with the connection when the request that starts the command is on its way. */
  readonly #sent = new Deferred<Session>();
  /** Aborts when the command has failed: nobody waits for answers about it any more. */
  readonly #abandoned = new AbortController();
  #result: CommandResult | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #terminating: Promise<void> | undefined;

  /** @internal Use `exec` or `spawn`. */
  constructor(getSession: GetSession, command: RemoteCommand, controls: CommandControls) {
    this.#command = command;
    this.#controls = controls;
    this.stdout = new OutputStream(controls);
    this.stderr = new OutputStream(controls);
    void ignoreRejection(this.#exit.promise);
    // The time limit is the server's business.
    this.#life.limit(controls, (failure) => {
      this.#cutShort(failure);
    });
    if (!this.#life.isOver()) void this.#execute(getSession);
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
    return this.#exit.promise;
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
    check("data", data, textOrBytes);
    await this.#write(data, false);
  }

  /** Ends the command's stdin, after everything written so far. @throws what `write` throws. */
  async closeStdin(): Promise<void> {
    this.#checkStdin();
    await this.#write(undefined, true);
  }

  /**
   * Changes the size of the command's terminal (`command/exec/resize`, `process/resizePty`).
   *
   * @throws InvalidArgumentError for a size that no terminal has; InvalidRequestError when there is
   * no terminal; CommandEndedError.
   */
  async resize(size: TerminalSize): Promise<void> {
    checkSize("size", size);
    const { cols, rows } = size;
    await this.#ask((session) => this.#command.resize(session, { cols, rows }));
  }

  /**
   * Ends the command and its child processes, by force (`command/exec/terminate`, `process/kill`).
   * Resolves when the server has agreed, or the command has ended anyway; `exit` follows. Safe at any time
   * and any number of times.
   *
   * @throws RequestTimeoutError when the server does not do it within 10 seconds (see `write`).
   */
  terminate(): Promise<void> {
    this.#terminating ??= this.#terminate().catch((error: unknown) => {
      this.#terminating = undefined;
      throw error;
    });
    return this.#terminating;
  }

  /** Ends the command if it still runs, and waits for its end, for at most 10 seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life.isOver()) return;
    const confirmed = this.terminate().then(
      () => true,
      () => false,
    );
    await settleWithin(this.#life.ended, stopGraceMs);
    if (this.#life.isOver() || (await settleWithin(confirmed, 0)) === true) return;
    // Nobody waits any longer, but what went wrong is tried again.
    void this.#sent.promise.then((session) => this.#command.kill(session));
  }

  #checkStdin(): void {
    if (this.#controls.openStdin) return;
    throw new InvalidArgumentError("stdin", "must be true for a command that is written to");
  }

  async #execute(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.#life.isOver()) return;
      this.#command.prepare(session);
      for (const output of [this.stdout, this.stderr]) output.countIn(session.backlogs);
      this.#life.reach("sent");
      const startedAt = performance.now();
      const running = this.#command.execute(
        session,
        (stream, chunk, cut) => {
          this[stream].push(chunk, cut);
        },
        { signal: this.#abandoned.signal, trace: this.#controls.trace },
      );
      this.#sent.resolve(session);
      void this.#feed();
      const ending = await running;
      this.#result = this.#toResult(ending, performance.now() - startedAt);
      this.#end();
    } catch (error) {
      this.#end(() => copyError(error));
    }
  }

  /** Writes the input that was given beforehand; a command need not read all of it. */
  async #feed(): Promise<void> {
    const { input } = this.#controls;
    if (input === undefined) return;
    try {
      await this.#write(input, true);
    } catch (error) {
      const failure = () => error;
      if (error instanceof CommandEndedError) return;
      if (this.#life.cutShort(failure)) this.#cutShort(failure);
    }
  }

  /** The server gets what is written in the order of the calls, each when it has taken the last. */
  #write(data: string | Uint8Array | undefined, closeStdin: boolean): Promise<void> {
    const input = {
      ...(data !== undefined && { deltaBase64: toBase64(data) }),
      ...(closeStdin && { closeStdin }),
    };
    // A command that does not read keeps its writers waiting, for as long as it likes.
    const options = { longRunning: true, signal: this.#abandoned.signal };
    const written = this.#lastWrite.then(() =>
      this.#ask((session) => this.#command.write(session, input, options)),
    );
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  async #ask(question: (session: Session) => Promise<unknown>): Promise<void> {
    const session = await Promise.race([this.#sent.promise, this.#life.ended]);
    if (session) await askAbout(this.#life.ended, () => question(session));
    else throw this.#life.failure?.();
  }

  async #terminate(): Promise<void> {
    if (this.#life.isOver()) return;
    try {
      await this.#ask((session) => this.#command.terminate(session, { timeoutMs: stopGraceMs }));
    } catch (error) {
      if (this.#life.isOver()) return;
      if (!(error instanceof CommandEndedError)) throw error;
      const problem =
        "The server no longer knows the command, and never told how it ended. Check what it has done.";
      this.#end(() => new ProtocolError(problem));
    }
  }

  #cutShort(failure: Failure): void {
    if (this.#life.phase === "waiting") this.#end(failure);
    else {
      void this[Symbol.asyncDispose]().then(() => {
        this.#end(failure);
      });
    }
  }

  /** Tells those who wait how the command has ended. */
  #end(cause?: Failure): void {
    if (!this.#life.end(cause)) return;
    const { failure } = this.#life;
    for (const output of [this.stdout, this.stderr]) output.end(failure);
    if (failure) {
      this.#exit.reject(failure());
      this.#abandoned.abort(failure());
      return;
    }
    const result = this.#result as CommandResult;
    if (this.#controls.throwOnFailure && result.exitCode !== 0) {
      this.#exit.reject(new CommandFailedError(result));
    } else {
      this.#exit.resolve(result);
    }
  }

  #toResult(ending: CommandEnding, elapsedMs: number): CommandResult {
    const { timeoutMs, streamOutput } = this.#controls;
    const { stdout, stderr } = this;
    const { exitCode } = ending;
    return {
      exitCode,
      stdout: streamOutput ? stdout.collected() : ending.stdout,
      stderr: streamOutput ? stderr.collected() : ending.stderr,
      stdoutTruncated: stdout.isTruncated || ending.stdoutTruncated,
      stderrTruncated: stderr.isTruncated || ending.stderrTruncated,
      // The server does not tell, but by itself hardly anything ends with this code so late.
      timedOut: timeoutMs !== undefined && exitCode === 124 && elapsedMs >= timeoutMs,
    };
  }
}
