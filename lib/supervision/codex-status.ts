import type { CloseReason } from "../errors/connection-errors.js";
import type { ServerInfo } from "../session/server-info.js";

/** The state of the server of a `Codex`. */
export type CodexStatus =
  /** No server runs: none was started yet, or it was suspended. The next call starts one. */
  | { readonly state: "idle" }
  /** A process is being started, or a connection made, for the `attempt`th time in a row (from 1). */
  | { readonly state: "starting"; readonly attempt: number }
  | { readonly state: "ready"; readonly serverInfo: ServerInfo }
  /** The connection to a running server was dropped, and is being restored. */
  | { readonly state: "reconnecting"; readonly attempt: number; readonly reason: CloseReason }
  /**
   * The process has ended by itself, or could not be started, or the connection could not be made or
   * restored, as `error` tells. If it `mayRestart`, the next call tries anew; with `restart.eager` that happens by
   * itself. It may not after a loss with `restart: false`.
   */
  | { readonly state: "lost"; readonly error: unknown; readonly mayRestart: boolean }
  /**
   * `close({ drainMs })` was called: what runs comes to its end, and nothing more begins. `closed` follows,
   * whatever happens to the server meanwhile.
   */
  | { readonly state: "draining" }
  /** `close()` was called; the last one. */
  | { readonly state: "closed" };
