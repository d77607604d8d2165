import type { BacklogBudget } from "../async/backlog-budget.js";
import { totalBacklog } from "./total-backlog.js";
import { describeLoss } from "../errors/connection-errors.js";
import type { Callbacks } from "../errors/callbacks.js";
import type { ResolvedSettings } from "../options/options.js";
import { handshake, type ServerPlace } from "./handshake.js";
import type { ConnectionStatus } from "../jsonrpc/connection-status.js";
import { ReconnectingConnection, type Reopening } from "../jsonrpc/reconnecting-connection.js";
import type { Recorder } from "../recording/recorder.js";
import type { NotificationListeners } from "./notification-listeners.js";
import type { ServerInfo } from "./server-info.js";
import { StartDeadline } from "../jsonrpc/start-deadline.js";
import { ClientHandlers } from "../server-requests/client-handlers.js";
import { Session } from "./session.js";
import { isContent } from "../messages/content-fields.js";
import { DeltaLines } from "../messages/delta-lines.js";
import { idsIn } from "../messages/message-ids.js";
import type { AskedSettings } from "./sandbox/hold-to-settings.js";
import { ThreadMemory } from "./thread-memory.js";
import type { Transport } from "../transport/transport.js";

/** What lives on when a client does not, for the one that takes its place. */
export interface SurvivingState {
  readonly handlers?: ClientHandlers | undefined;
  readonly memory?: ThreadMemory | undefined;
  readonly backlogs?: BacklogBudget | undefined;
  readonly listeners?: NotificationListeners | undefined;
  /** What records the connections, where they are recorded. */
  readonly recorder?: Recorder | undefined;
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
  /** The file of the runtime that was started here: see `runtimeFileOf`. */
  readonly runtimeFile?: string | undefined;
  /** Whether other clients may use the same server (default false). */
  readonly shared?: boolean | undefined;
}

/** A session with the connection below it. */
export interface OpenSession {
  readonly session: Session;
  readonly connection: ReconnectingConnection;
  readonly handlers: ClientHandlers;
  /** What calls the functions that were given with the options. */
  readonly callbacks: Callbacks;
  /** Undefined before the handshake; a server that takes the place of another tells its own. */
  serverInfo(): ServerInfo | undefined;
  /** Calls `listener`, which must not throw, with each change; returns the function that stops it. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void;
}

/** Makes both; all routes exist before the first byte is read. */
export function openSession(
  transport: Transport,
  settings: ResolvedSettings,
  source: ConnectionSource,
  stopTurn: (session: Session, threadId: string, turnId: string) => void,
): OpenSession {
  const { handlers = new ClientHandlers(settings.handlers), reopening, shared = false } = source;
  const listeners = new Set<(status: ConnectionStatus) => void>();
  let { deadline } = source;
  let serverInfo: ServerInfo | undefined;
  const session: Session = new Session(settings, handlers, {
    connection: () => connection,
    memory: source.memory ?? new ThreadMemory(),
    backlogs: source.backlogs ?? totalBacklog(settings.maxTotalBacklogBytes),
    listeners: source.listeners,
    configured: source.configured ?? {},
    serverFiles: {
      areShared: settings.sharesFiles ?? source.sharesFiles ?? false,
      home: source.home,
      get platformFamily() {
        return serverInfo?.platformFamily ?? "";
      },
    },
    runtimeFile: source.runtimeFile,
    shared,
    replaceable: reopening !== undefined,
    stopTurn: (threadId, turnId) => {
      stopTurn(session, threadId, turnId);
    },
  });
  const connection: ReconnectingConnection = new ReconnectingConnection(transport, {
    ...settings,
    reopening,
    record: source.recorder && (() => source.recorder?.begin()),
    shakeHands: async (fresh, over) => {
      const limit = deadline ?? new StartDeadline(settings.startTimeoutMs);
      deadline = undefined;
      const own = { handlers, deadline: limit, place: source.place };
      serverInfo = await handshake(fresh, over, settings, own);
    },
    restore: (send) => session.restore(send),
    onNotification: (message) => {
      session.receive(message);
    },
    onRequest: (message) => session.answer(message),
    onAnswerFailed: (error, { method, params }) => {
      const ids = idsIn((params ?? {}) as Readonly<Record<string, unknown>>);
      settings.callbacks.failed(error, { where: "handler", method, ...ids });
    },
    isContent,
    frequentLines: () => new DeltaLines(),
    onDropped: (reason) => {
      settings.logger.warn(`${describeLoss(reason)}.`);
      session.dropped(reason);
    },
    onDroppedAgain: (reason) => {
      session.droppedAgain(reason);
    },
    onRestored: () => {
      session.restored();
    },
    onEnd: (reason) => {
      // A start that fails is told to its caller.
      const isLoss = serverInfo !== undefined && reason.kind !== "closed";
      if (isLoss) settings.logger.warn(`${describeLoss(reason)}.`);
      session.end(reason);
    },
    onStatus: (status) => {
      for (const listener of [...listeners]) listener(status);
    },
  });
  return {
    ...{ session, connection, handlers, callbacks: settings.callbacks },
    serverInfo: () => serverInfo,
    onStatus: (listener) => {
      // Each registration has a place of its own, also of a function that is there already.
      const own = (status: ConnectionStatus): void => {
        listener(status);
      };
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
