/**
 * How a check went. `"ok"`: nothing would fail. `"warning"`: it works, and something about it may surprise.
 * `"failure"`: something would fail. `"skipped"`: it was not looked at, because of an earlier failure or
 * of the options.
 */
export type FindingStatus = "ok" | "warning" | "failure" | "skipped";

/** The outcome of one check. */
export interface Finding {
  /** What was looked at, such as `"runtime"`. */
  readonly name: string;
  readonly status: FindingStatus;
  /** What was found, in one line for people. */
  readonly says: string;
  /** What to do about it, in one line. A failure always has it. */
  readonly cure?: string;
}
