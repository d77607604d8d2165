import { AppServerError } from "./base.js";

/** Why a thread was not moved between hosts; see `ThreadNotMovedError`. */
export type ThreadNotMovedReason =
  /** The server of this host has it loaded, or a thread that belongs to it. */
  | "loaded"
  /** Neither this host nor the store has anything of it. */
  | "notStored"
  /** This host has what the store does not have. */
  | "localIsNewer"
  /** The store has what this host does not have, or another host was faster. */
  | "storeIsNewer"
  /** The store has an older generation than the one that was asked for. */
  | "storeIsOlder"
  /** Both have what the other does not have: two hosts have used the thread at the same time. */
  | "diverged"
  /** A file in the store is not what its manifest says: too short, too long, or changed. */
  | "damaged"
  /** The manifest, or a file, is of something else than this thread. */
  | "foreign"
  /** The files are there, but the server of this host goes on with another one. */
  | "notTaken"
  /** A file has changed while it was read. */
  | "changed"
  /** A file is compressed, which this version of Node.js cannot read. */
  | "compressed";

const advice: Readonly<Record<ThreadNotMovedReason, string>> = {
  loaded:
    "its server has the thread, or one that belongs to it, loaded. Call releaseThread() first.",
  notStored: "neither this host nor the store has a rollout of it. Check the id.",
  localIsNewer:
    "this host has turns of it that the store does not have. Export it from here first.",
  storeIsNewer: "the store has turns of it that this host does not have. Import it here first.",
  storeIsOlder:
    "the store has an older generation than was asked for. Try again when it shows the newest one.",
  diverged:
    "this host and the store each have turns that the other does not have. Keep one of the two copies, and remove the other.",
  damaged:
    "a file in the store is not what its manifest says. Export the thread again from the host that has it.",
  foreign: "what the store has is not of this thread. Check which directory or bucket it is.",
  notTaken:
    "its files are here, but the server of this host goes on with another one. Delete the thread here, and import it again.",
  changed:
    "a file has changed while it was read. See that only one server uses this CODEX_HOME, and try again.",
  compressed: "a file of it is compressed with Zstandard. Use Node.js 22.15 or newer on this host.",
};

/**
 * A thread was not moved between hosts, for `reason`. What this host and the store have is as it was, but for `notTaken`.
 */
export class ThreadNotMovedError extends AppServerError {
  override readonly code = "THREAD_NOT_MOVED";
  override readonly sent = false;
  readonly reason: ThreadNotMovedReason;
  readonly threadId: string;

  constructor(reason: ThreadNotMovedReason, threadId: string, options?: ErrorOptions) {
    super(`The thread was not moved: ${advice[reason]}`, options);
    this.reason = reason;
    this.threadId = threadId;
  }
}
