import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setImmediate } from "node:timers";
import { Deferred } from "../async/deferred.js";
import { unref } from "../async/realms.js";
import { settleWithin } from "../async/timers.js";
import type { LaunchCommand } from "../runtime/launch-command.js";
import { explainSpawnFailure } from "../runtime/spawn-failure.js";
import { closeGraceMs, type Transport, type TransportEnd } from "./transport.js";

export interface StdioTransportOptions {
  /** Gets what the process writes to stderr, as it comes, in pieces that need not be whole lines. */
  onStderr?: ((text: string) => void) | undefined;
  /** How long each step of closing may take before the next, harsher one (ms, default 2,000). */
  closeGraceMs?: number | undefined;
}

/**
 * Starts the process and resolves once the operating system has accepted it.
 *
 * @throws SpawnError or BinaryNotFoundError, when it has not.
 */
export async function startStdioTransport(
  launch: LaunchCommand,
  options: StdioTransportOptions = {},
): Promise<Transport> {
  let child: ChildProcess;
  try {
    child = spawn(launch.command, [...launch.args], {
      cwd: launch.cwd,
      env: launch.env,
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      detached: launch.detached,
    });
    // Until it is there it may be without pipes: the system may have had no descriptors for them.
    await once(child, "spawn");
  } catch (error) {
    throw explainSpawnFailure(error as NodeJS.ErrnoException, launch.command, launch.cwd);
  }
  return new StdioTransport(child as ChildProcessWithoutNullStreams, launch.detached, options);
}

class StdioTransport implements Transport {
  readonly input: Readable;
  readonly output: Writable;
  readonly ended: Promise<TransportEnd>;
  readonly #child: ChildProcessWithoutNullStreams;
  /** The exit, or what is told in its place of a process that nothing can end. */
  readonly #exited = new Deferred<TransportEnd>();
  readonly #stderr: StderrTail;
  readonly #graceMs: number;
  readonly #leadsGroup: boolean;
  #closing: Promise<void> | undefined;

  constructor(
    child: ChildProcessWithoutNullStreams,
    leadsGroup: boolean,
    options: StdioTransportOptions,
  ) {
    this.#child = child;
    this.#leadsGroup = leadsGroup;
    this.#graceMs = options.closeGraceMs ?? closeGraceMs;
    this.input = child.stdout;
    this.output = child.stdin;
    this.#stderr = new StderrTail(child.stderr, options.onStderr);
    // Without these listeners an EPIPE, or a failed kill, would end the host process. What they
    // report reaches the connection anyway: through the failed write, and through the end.
    for (const emitter of [child, child.stdin, child.stdout, child.stderr]) {
      emitter.on("error", () => undefined);
    }
    child.once("exit", (exitCode, signal) => {
      this.#exited.resolve({ exitCode, signal });
    });
    this.ended = this.#untilEnded();
  }

  stderrTail(): string {
    return this.#stderr.text;
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeInSteps();
    return this.#closing;
  }

  async #closeInSteps(): Promise<void> {
    const { stdin } = this.#child;
    const steps = [
      () => stdin.end(),
      () => this.#child.kill("SIGTERM"),
      () => this.#child.kill("SIGKILL"),
    ];
    for (const [index, step] of steps.entries()) {
      step();
      if ((await settleWithin(this.#exited.promise, this.#graceMs)) === "timeout") continue;
      if (index > 0) this.#killGroup();
      await settleWithin(this.ended, this.#graceMs);
      return;
    }
    this.#abandon();
    await this.ended;
  }

  /**
   * A server that ends by itself ends what it has started. One that had to be forced does not, nor does
   * a shell or a launcher that stood between us and the server.
   */
  #killGroup(): void {
    const { pid } = this.#child;
    if (!this.#leadsGroup || pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody is left in it.
    }
  }

  /** One of another user, or one that waits for a device, cannot be killed. Nobody waits for it. */
  #abandon(): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const pipe of [stdin, stdout, stderr]) pipe.destroy();
    this.#child.unref();
    const error = new Error("the process could not be killed, and still runs");
    this.#exited.resolve({ exitCode: null, signal: null, error });
  }

  /** Waits for the exit, and then for the last bytes; those on stderr explain the exit. */
  async #untilEnded(): Promise<TransportEnd> {
    const { stdin, stdout, stderr } = this.#child;
    const drained = Promise.all([untilClosed(stdout), untilClosed(stderr)]);
    const end = await this.#exited.promise;
    stdin.destroy();
    void destroyWhenQuiet(stdout, 50);
    // A child process that goes on logging must not hold up the news that the process has ended.
    void destroyWhenQuiet(stderr, 5);
    await drained;
    return end;
  }
}

/** Drains a log stream, which would block the process when full, and keeps its end for errors. */
class StderrTail {
  #text = "";

  constructor(stream: Readable, onText?: (text: string) => void) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      this.#text = (this.#text + text).slice(-maxCharacters);
      onText?.(text);
    });
  }

  /** The end of the output, at most 8,192 characters, without terminal colours. */
  get text(): string {
    return this.#text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  }
}

const maxCharacters = 8_192;

function untilClosed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once("close", resolve);
  });
}

/**
 * A grandchild may have inherited the pipe and keep it open long after the process itself has
 * ended, so its end cannot be waited for without bound. Whatever is in the pipe is read first: the
 * stream counts as finished only when a whole turn of the event loop has brought nothing new, or
 * after so many rounds.
 */
async function destroyWhenQuiet(
  stream: Readable & { bytesRead?: number },
  maxRounds: number,
): Promise<void> {
  const quietMs = 100;
  for (let round = 0; round < maxRounds && !stream.destroyed; round += 1) {
    const before = stream.bytesRead;
    await new Promise((resolve) => {
      unref(setTimeout(resolve, quietMs));
    });
    // Timers run before the poll phase, which reads the pipe; look only after it.
    await new Promise(setImmediate);
    // A paused one is read on as soon as what came before has been dealt with.
    if (stream.bytesRead === before && !stream.isPaused()) break;
  }
  stream.destroy();
}
