import type { BacklogBudget } from "../async/backlog-budget.js";
import type { Reopening } from "../jsonrpc/reconnecting-connection.js";
import type { StartDeadline } from "../jsonrpc/start-deadline.js";
import type { Recorder } from "../recording/recorder.js";
import type { ClientHandlers } from "../server-requests/client-handlers.js";
import type { Activity } from "./activity.js";
import type { ServerPlace } from "./handshake.js";
import type { NotificationListeners } from "./notification-listeners.js";
import type { AskedSettings } from "./sandbox/hold-to-settings.js";
import type { ThreadMemory } from "./thread-memory.js";
import type { UsageLedger } from "../usage/usage-ledger.js";
import type { WorkUnderWay } from "./work-under-way.js";

/** What lives on when a client does not, for the one that takes its place. */
export interface SurvivingState {
  readonly handlers?: ClientHandlers | undefined;
  readonly memory?: ThreadMemory | undefined;
  readonly backlogs?: BacklogBudget | undefined;
  readonly listeners?: NotificationListeners | undefined;
  /** What calls have begun, and whether more may begin. */
  readonly work?: WorkUnderWay | undefined;
  /** What the client is asked for. */
  readonly activity?: Activity | undefined;
  /** How long threads that nobody uses stay loaded (ms, default Infinity). */
  readonly unsubscribeIdleMs?: number | undefined;
  readonly recorder?: Recorder | undefined;
  /** What turns have used. */
  readonly usage?: UsageLedger | undefined;
}

/** Where the connection of a client comes from. */
export interface ConnectionSource extends SurvivingState {
  /** How long the first handshake may take. */
  readonly deadline?: StartDeadline | undefined;
  /** How to connect anew when the connection drops; without it, the client ends then. */
  readonly reopening?: Reopening | undefined;
  /** What the configuration that the server was started with says of threads. */
  readonly configured?: AskedSettings | undefined;
  /** The home directory of the server's user, where that is known. */
  readonly home?: string | undefined;
  /** Whether the server sees the files of this process, unless the settings say (default false). */
  readonly sharesFiles?: boolean | undefined;
  /** Where a server that was started here keeps its data. */
  readonly place?: ServerPlace | undefined;
  /** The file of the runtime that was started here; undefined with a command line of the caller's. */
  readonly runtimeFile?: string | undefined;
  /** Whether other clients may use the same server (default false). */
  readonly shared?: boolean | undefined;
}
