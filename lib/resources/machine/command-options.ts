import type { KeysOf } from "../../errors/check-options.js";
import type { SandboxMode, SandboxPolicy } from "../../../generated/types.js";
import {
  abortSignal,
  anything,
  check,
  checkFields,
  flag,
  milliseconds,
  string,
  textOrBytes,
  whole,
  type Rule,
  type RulesOf,
} from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { checkTrace, type Traced } from "../../diagnostics/trace-context.js";

/** The size of a terminal, in characters: whole numbers from 1 to 65,535. */
export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** The options that both ways to run a command have. */
export interface CommandOptions extends Traced {
  /** Variables to add to the command's environment; `null` removes one. */
  env?: Readonly<Record<string, string | null | undefined>> | undefined;
  /**
   * The command's stdin: empty (default); this text or these bytes, and then the end; or, with `true`,
   * what `write` sends until `closeStdin()`.
   */
  stdin?: boolean | string | Uint8Array | undefined;
  /** Runs the command in a terminal (default false): stdin is open, all output comes as stdout. */
  tty?: boolean | undefined;
  /** The terminal's size at the start; needs `tty`. */
  size?: TerminalSize | undefined;
  /** How long the command may run (ms; default: no limit). Then it is ended: see `timedOut`. */
  timeoutMs?: number | undefined;
  /** Ends the command when it aborts; `exit` and the streams then reject with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Whether `exit` rejects with a CommandFailedError when the exit code is not 0 (default false). */
  throwOnFailure?: boolean | undefined;
  /**
   * How much of each stream's start the result collects (bytes, default 1,048,576). Iterating is not
   * affected. With `streamOutput: false` it limits what the server collects.
   */
  maxCollectedBytes?: number | undefined;
  /**
   * How much of each stream may wait to be read (bytes, default 16,777,216). The server cannot be
   * asked to wait: iterating throws an OutputOverflowError where this is exceeded.
   */
  maxBacklogBytes?: number | undefined;
  /**
   * After how many bytes the server sends no more of a stream (default: no limit). Set it for
   * commands that may write without end while nobody reads.
   */
  outputBytesCap?: number | undefined;
  /**
   * Whether the output is sent as it comes (default true). Otherwise the server collects it, and bytes
   * that are not UTF-8 are lost. The sandbox of Windows only collects.
   */
  streamOutput?: boolean | undefined;
}

/** The options of `exec`, as in `command/exec`. */
export interface ExecOptions extends CommandOptions {
  /**
   * The working directory (default: that of the server). A relative path starts at the working directory
   * of this process when the server shares its files (see `sharesFiles`), and is refused otherwise.
   */
  cwd?: string | undefined;
  /**
   * The sandbox of the command (default: that of the server's configuration). With `"workspace-write"` the
   * workspace is `cwd` and the working directory of the server.
   */
  sandbox?: SandboxMode | SandboxPolicy | undefined;
  /** A permission profile by name, instead of `sandbox`. */
  permissionProfile?: string | undefined;
}

/** The options of `spawn`, as in `process/spawn`. */
export interface SpawnOptions extends CommandOptions {
  /**
   * The working directory. A relative path starts at the working directory of this process when the server
   * shares its files (see `sharesFiles`), and is refused otherwise.
   */
  cwd: string;
}

const wholeBytes = { ...whole(0, true), problem: "must be a whole number of bytes, 0 or more" };

const commandRules: RulesOf<CommandOptions> = {
  env: anything,
  stdin: {
    fits: (value) => flag.fits(value) || textOrBytes.fits(value),
    problem: "must be true, false, a string or a Uint8Array",
  },
  tty: anything,
  size: anything,
  timeoutMs: milliseconds,
  signal: abortSignal,
  throwOnFailure: anything,
  maxCollectedBytes: wholeBytes,
  maxBacklogBytes: wholeBytes,
  outputBytesCap: wholeBytes,
  streamOutput: anything,
  trace: anything,
};

export const execKeys: KeysOf<ExecOptions> = {
  ...commandRules,
  cwd: true,
  sandbox: true,
  permissionProfile: true,
};

export const spawnKeys: KeysOf<SpawnOptions> = { ...commandRules, cwd: true };

/** How this library runs a command. */
export interface CommandControls extends Readonly<
  Pick<CommandOptions, "timeoutMs" | "signal" | "trace">
> {
  readonly maxCollectedBytes: number;
  readonly maxBacklogBytes: number;
  /** Whether `write` may be used. */
  readonly openStdin: boolean;
  readonly input: string | Uint8Array | undefined;
  readonly streamOutput: boolean;
  readonly throwOnFailure: boolean;
}

const programAndArguments: Rule = {
  fits: (value) => Array.isArray(value) && value.length > 0 && value.every(string.fits),
  problem: 'must be a program and its arguments, such as ["git", "status"]; no shell is involved',
};

/** What a terminal has of columns or rows. */
const length: Rule = {
  fits: (value) => whole(1).fits(value) && (value as number) <= 65_535,
  problem: "must be a whole number, 1 to 65,535",
};

export function checkCommand(command: readonly string[], options: CommandOptions): CommandControls {
  check("command", command, programAndArguments);
  if (command[0] === "") throw new InvalidArgumentError("command[0]", "must name a program");
  const { stdin = false, streamOutput = true, tty = false, signal, timeoutMs } = options;
  checkFields(options, commandRules);
  if (tty && !streamOutput) {
    throw new InvalidArgumentError("streamOutput", "must not be false with tty");
  }
  if (options.size !== undefined) {
    if (!tty) throw new InvalidArgumentError("size", "needs tty: true");
    checkSize("size", options.size);
  }
  checkTrace(options.trace);
  return {
    maxCollectedBytes: options.maxCollectedBytes ?? 1_048_576,
    maxBacklogBytes: options.maxBacklogBytes ?? 16_777_216,
    openStdin: stdin === true || tty,
    input: typeof stdin === "boolean" ? undefined : stdin,
    streamOutput,
    throwOnFailure: options.throwOnFailure ?? false,
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
    signal,
    trace: options.trace,
  };
}

export function checkSize(argument: string, { cols, rows }: TerminalSize): void {
  check(`${argument}.cols`, cols, length);
  check(`${argument}.rows`, rows, length);
}

/** The fields that both requests have, as the server takes them. */
export function commonParams(command: readonly string[], options: CommandOptions) {
  const { env, size, tty = false, stdin = false, streamOutput = true, timeoutMs } = options;
  return {
    command: [...command],
    env: env ? ({ ...env } as Record<string, string | null>) : null,
    tty,
    ...(size && { size: { cols: size.cols, rows: size.rows } }),
    streamStdin: stdin !== false,
    streamStdoutStderr: streamOutput,
    // The server counts whole milliseconds.
    timeoutMs: timeoutMs === undefined || timeoutMs === Infinity ? null : Math.ceil(timeoutMs),
    outputBytesCap: capOf(options),
  };
}

/** The server's collected output is bounded; streamed output need not be. */
function capOf({ streamOutput = true, outputBytesCap, maxCollectedBytes }: CommandOptions) {
  if (streamOutput) return outputBytesCap === Infinity ? null : (outputBytesCap ?? null);
  const cap = Math.min(outputBytesCap ?? Infinity, maxCollectedBytes ?? 1_048_576);
  return cap === Infinity ? null : cap;
}
