/** How a command ended, and what it wrote. */
export interface CommandResult {
  /**
   * The exit code. A command that was ended by a signal has 128 and the signal's number: 137 after
   * `terminate()`. One that was ended by `timeoutMs` has 124.
   */
  readonly exitCode: number;
  /**
   * The start of what it wrote to stdout, as UTF-8 text: at most `maxCollectedBytes`. With `tty`,
   * what it wrote to the terminal.
   */
  readonly stdout: string;
  /** The start of what it wrote to stderr, in the same way; empty with `tty`. */
  readonly stderr: string;
  /** Whether it wrote more than `stdout` has. */
  readonly stdoutTruncated: boolean;
  /** Whether it wrote more than `stderr` has. */
  readonly stderrTruncated: boolean;
  /** Whether it was ended because it took longer than `timeoutMs`. */
  readonly timedOut: boolean;
}
