import type { RunCommand } from "../run-command.js";
import type { OnProgress } from "../registry/download-package.js";
import type { Disk } from "./disk.js";

/** The comparison of two releases' protocols. */
export interface ProtocolDiff {
  /** The native binary of an exact release for this machine: the installed one, or else it is downloaded. */
  fetchRuntime(version: string): Promise<string>;
  /** What changed from one binary's protocol to another's, and what of a project is affected, in Markdown. */
  describe(before: string, after: string, root: string): Promise<string>;
}

/** What an update works with; tests have some of it their way. */
export interface Tools {
  /** npm, tar, and the scripts of the project. */
  readonly run: RunCommand;
  readonly disk: Disk;
  readonly protocol: ProtocolDiff;
  /** Starts a runtime and throws unless it is of the version and answers. */
  readonly checkStart: (binary: string, version: string, signal: AbortSignal) => Promise<void>;
  /** How long a package's tarball is (bytes), for the progress. */
  readonly sizeOf: (spec: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly log: (line: string) => void;
  readonly onProgress: OnProgress;
  /** Ends the update; the checkout is then as it was. */
  readonly signal: AbortSignal;
}
