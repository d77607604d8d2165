import type { ServerInfo } from "../rpc/server-info.js";

/** What the server of a `Codex` is doing. */
export type CodexStatus =
  /** Nothing has been started; the first call does it. */
  | { readonly state: "idle" }
  /** A process is being started, for the `attempt`th time in a row (from 1). */
  | { readonly state: "starting"; readonly attempt: number }
  | { readonly state: "ready"; readonly serverInfo: ServerInfo }
  /**
   * The process has ended by itself, or could not be started, as `error` tells. Unless `restart` is
   * off, the next call starts a new one.
   */
  | { readonly state: "lost"; readonly error: unknown }
  /** `close()` was called; the last one. */
  | { readonly state: "closed" };
