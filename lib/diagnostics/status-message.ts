/** A change of the status of a `Codex`, as the channel `codex-app-server-sdk:status` shows it. */
export interface StatusMessage {
  /** Tells the `Codex` objects of a process apart: 1 for the first that was made, and so on. */
  readonly codex: number;
  /** As in `CodexStatus`. */
  readonly state: "idle" | "starting" | "ready" | "reconnecting" | "lost" | "draining" | "closed";
  /** Of `"starting"` and `"reconnecting"`: which attempt in a row it is, from 1. */
  readonly attempt: number | undefined;
  /** Of `"ready"`. */
  readonly serverVersion: string | undefined;
  /** Of `"lost"`: the code of the error of this library, or else its name. */
  readonly errorType: string | undefined;
  /** Of `"lost"`: whether the next call starts another server. */
  readonly mayRestart: boolean | undefined;
}
