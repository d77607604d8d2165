import { onAbort, reasonOf } from "../../async/abort.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { settleWithin } from "../../async/timers.js";
import { ProtocolError, copyError } from "../../errors/connection-errors.js";
import { CommandEndedError } from "../../errors/machine-errors.js";
import { CommandFailedError } from "./command-failed-error.js";
import type { GetSession, Session } from "../../session/session.js";
import { toBase64 } from "./base64.js";
import type { CommandControls, TerminalSize } from "./command-options.js";
import type { CommandResult } from "../../results/command-result.js";
import { OutputBuffer } from "./output-buffer.js";
import { askAbout, type CommandEnding, type RemoteCommand } from "./remote-command.js";

/** How long a command that is being ended may take before nobody waits any longer (ms). */
const stopGraceMs = 10_000;

/** Makes what the waiters of a command are rejected with: an instance of its own for each. */
type Failure = () => unknown;

/** The life of one command: getting a connection, being started, its output, and its one end. */
export class CommandRun {
  readonly exit: Promise<CommandResult>;
  readonly stdout: OutputBuffer;
  readonly stderr: OutputBuffer;
  readonly #command: RemoteCommand;
  readonly #controls: CommandControls;
  readonly #exit = new Deferred<CommandResult>();
  readonly #ended = new Deferred<void>();
  /** Resolves with the connection when the request that starts the command is on its way. */
  readonly #sent = new Deferred<Session>();
  /** Aborts when the command has failed: nobody waits for answers about it any more. */
  readonly #abandoned = new AbortController();
  #phase: "connecting" | "sent" | "ended" = "connecting";
  #failure: Failure | undefined;
  #stopped: Failure | undefined;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #terminating: Promise<void> | undefined;
  #unlink: () => void = () => undefined;

  constructor(getSession: GetSession, command: RemoteCommand, controls: CommandControls) {
    this.exit = ignoreRejection(this.#exit.promise);
    this.stdout = new OutputBuffer(controls.limits);
    this.stderr = new OutputBuffer(controls.limits);
    this.#command = command;
    this.#controls = controls;
    const { signal } = controls;
    if (signal?.aborted) {
      this.#fail(() => reasonOf(signal));
      return;
    }
    this.#unlink = onAbort(signal, (reason) => {
      this.#stop(() => reason);
    });
    void this.#execute(getSession);
  }

  /** The server gets what is written in the order of the calls, each when it has taken the last. */
  write(data: string | Uint8Array | undefined, closeStdin: boolean): Promise<void> {
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

  resize(size: TerminalSize): Promise<void> {
    return this.#ask((session) => this.#command.resize(session, size));
  }

  /** Resolves when the server has agreed, or the command has ended; concurrent calls share it. */
  terminate(): Promise<void> {
    this.#terminating ??= this.#terminate().catch((error: unknown) => {
      this.#terminating = undefined;
      throw error;
    });
    return this.#terminating;
  }

  /** Ends the command and waits for its end, though not for ever; what goes wrong is tried again. */
  async terminateAndWait(): Promise<void> {
    if (this.#hasEnded()) return;
    const confirmed = this.terminate().then(
      () => true,
      () => false,
    );
    await settleWithin(this.#ended.promise, stopGraceMs);
    if (this.#hasEnded() || (await settleWithin(confirmed, 0)) === true) return;
    void this.#sent.promise.then((session) => this.#command.kill(session));
  }

  async #execute(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.#hasEnded()) return;
      this.#command.prepare(session);
      for (const output of [this.stdout, this.stderr]) output.countIn(session.backlogs);
      this.#phase = "sent";
      const startedAt = performance.now();
      const running = this.#command.run(
        session,
        (stream, chunk, cut) => {
          this[stream].push(chunk, cut);
        },
        { signal: this.#abandoned.signal, trace: this.#controls.trace },
      );
      this.#sent.resolve(session);
      void this.#feed();
      const ending = await running;
      this.#conclude(this.#toResult(ending, performance.now() - startedAt));
    } catch (error) {
      this.#fail(() => copyError(error));
    }
  }

  /** Writes the input that was given beforehand; a command need not read all of it. */
  async #feed(): Promise<void> {
    const { input } = this.#controls;
    if (input === undefined) return;
    try {
      await this.write(input, true);
    } catch (error) {
      if (!(error instanceof CommandEndedError)) this.#stop(() => error);
    }
  }

  async #ask(question: (session: Session) => Promise<unknown>): Promise<void> {
    const session = await Promise.race([this.#sent.promise, this.#ended.promise]);
    if (session) await askAbout(this.#ended.promise, () => question(session));
    else throw this.#failure?.();
  }

  async #terminate(): Promise<void> {
    if (this.#hasEnded()) return;
    try {
      await this.#ask((session) => this.#command.terminate(session, { timeoutMs: stopGraceMs }));
    } catch (error) {
      if (this.#hasEnded()) return;
      if (!(error instanceof CommandEndedError)) throw error;
      const problem =
        "The server no longer knows the command, and never told how it ended. Check what it has done.";
      this.#fail(() => new ProtocolError(problem));
    }
  }

  /** From now on the command can only end with `failure`, however it really ends. */
  #stop(failure: Failure): void {
    if (this.#hasEnded() || this.#stopped) return;
    this.#stopped = failure;
    if (this.#phase === "connecting") this.#fail(failure);
    else
      void this.terminateAndWait().then(() => {
        this.#fail(failure);
      });
  }

  #conclude(result: CommandResult): void {
    if (this.#stopped) this.#fail(this.#stopped);
    if (this.#hasEnded()) return;
    this.#end();
    this.stdout.end();
    this.stderr.end();
    if (this.#controls.throwOnFailure && result.exitCode !== 0) {
      this.#exit.reject(new CommandFailedError(result));
    } else {
      this.#exit.resolve(result);
    }
  }

  #fail(failure: Failure): void {
    if (this.#hasEnded()) return;
    const make = this.#stopped ?? failure;
    this.#failure = make;
    this.#end();
    this.stdout.fail(make());
    this.stderr.fail(make());
    this.#exit.reject(make());
    this.#abandoned.abort(make());
  }

  #end(): void {
    this.#phase = "ended";
    this.#unlink();
    this.#ended.resolve();
  }

  #hasEnded(): boolean {
    return this.#phase === "ended";
  }

  #toResult(ending: CommandEnding, elapsedMs: number): CommandResult {
    const { timeoutMs, streamOutput } = this.#controls;
    const { stdout, stderr } = this;
    const { exitCode } = ending;
    return {
      exitCode,
      stdout: streamOutput ? stdout.text() : ending.stdout,
      stderr: streamOutput ? stderr.text() : ending.stderr,
      stdoutTruncated: stdout.truncated || ending.stdoutTruncated,
      stderrTruncated: stderr.truncated || ending.stderrTruncated,
      // The server does not tell, but by itself hardly anything ends with this code so late.
      timedOut: timeoutMs !== undefined && exitCode === 124 && elapsedMs >= timeoutMs,
    };
  }
}
