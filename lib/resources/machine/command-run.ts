import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { Life, type Failure } from "../../async/life.js";
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

/** A command that is under way: gets a connection, starts it there, collects its output, and ends it. */
export class CommandRun {
  readonly exit: Promise<CommandResult>;
  readonly stdout: OutputBuffer;
  readonly stderr: OutputBuffer;
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

  constructor(getSession: GetSession, command: RemoteCommand, controls: CommandControls) {
    this.exit = ignoreRejection(this.#exit.promise);
    this.stdout = new OutputBuffer(controls.limits);
    this.stderr = new OutputBuffer(controls.limits);
    this.#command = command;
    this.#controls = controls;
    // The time limit is the server's business.
    this.#life.limit(controls, (failure) => {
      this.#cutShort(failure);
    });
    if (!this.#life.isOver()) void this.#execute(getSession);
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
    if (this.#life.isOver()) return;
    const confirmed = this.terminate().then(
      () => true,
      () => false,
    );
    await settleWithin(this.#life.ended, stopGraceMs);
    if (this.#life.isOver() || (await settleWithin(confirmed, 0)) === true) return;
    void this.#sent.promise.then((session) => this.#command.kill(session));
  }

  async #execute(getSession: GetSession): Promise<void> {
    try {
      const session = await getSession();
      if (this.#life.isOver()) return;
      this.#command.prepare(session);
      for (const output of [this.stdout, this.stderr]) output.countIn(session.backlogs);
      this.#life.reach("sent");
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
      await this.write(input, true);
    } catch (error) {
      const failure = () => error;
      if (error instanceof CommandEndedError) return;
      if (this.#life.cutShort(failure)) this.#cutShort(failure);
    }
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
    else
      void this.terminateAndWait().then(() => {
        this.#end(failure);
      });
  }

  /** The command is over: tells those who wait how it has ended. */
  #end(cause?: Failure): void {
    if (!this.#life.end(cause)) return;
    const { failure } = this.#life;
    if (failure) {
      this.stdout.fail(failure());
      this.stderr.fail(failure());
      this.#exit.reject(failure());
      this.#abandoned.abort(failure());
      return;
    }
    this.stdout.end();
    this.stderr.end();
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
      stdout: streamOutput ? stdout.text() : ending.stdout,
      stderr: streamOutput ? stderr.text() : ending.stderr,
      stdoutTruncated: stdout.truncated || ending.stdoutTruncated,
      stderrTruncated: stderr.truncated || ending.stderrTruncated,
      // The server does not tell, but by itself hardly anything ends with this code so late.
      timedOut: timeoutMs !== undefined && exitCode === 124 && elapsedMs >= timeoutMs,
    };
  }
}
