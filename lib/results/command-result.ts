/** The end of a command, and its output. */
export interface CommandResult {
  /**
   * The exit code. A command that was ended by a signal has 128 and the signal's number: 137 after
   * `terminate()`. One that was ended by `timeoutMs` has 124.
   */
  readonly exitCode: number;
  /**
   * The start of the command's stdout, as UTF-8 text: at most `maxCollectedBytes`. With `tty`, its output
   * on the terminal.
   */
  readonly stdout: string;
  /** The start of the command's stderr, in the same way; empty with `tty`. */
  readonly stderr: string;
  /** Whether it wrote more than `stdout` has. */
  readonly stdoutTruncated: boolean;
  /** Whether it wrote more than `stderr` has. */
  readonly stderrTruncated: boolean;
  /** Whether it was ended because it took longer than `timeoutMs`. */
  readonly timedOut: boolean;
}
