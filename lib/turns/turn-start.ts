import type { ReviewTarget, UserInput } from "../../generated/types.js";
import { TurnNotStartedError } from "../errors/turn-errors.js";
import type { Host, TurnFollower } from "../host.js";
import { checkLocalFiles } from "../input.js";
import type { NotificationMessage } from "../rpc/message.js";
import type { PendingTurn } from "../rpc/turn-routes.js";
import type { TurnStartSettings } from "./turn-options.js";

/** How a turn comes to run: what is sent for it, and how its id is learnt. */
export interface TurnStart {
  readonly method:
    | "turn/start"
    | "review/start"
    | "thread/compact/start"
    | "thread/shellCommand"
    | "thread/queue/start";
  /** What needs I/O to be checked; it is done while the turn waits for its thread. */
  check?(): Promise<void>;
  /**
   * Sends it, and resolves with the id under which the turn's events come. `ended` resolves when
   * nobody waits for them any more.
   */
  send(
    host: Host,
    threadId: string,
    pending: PendingTurn<TurnFollower>,
    ended: Promise<void>,
  ): Promise<string>;
}

/** A turn that the server runs already, and that somebody else has started. */
export interface RunningTurn {
  readonly host: Host;
  readonly id: string;
}

export function inputTurn(input: UserInput[], settings: TurnStartSettings): TurnStart {
  return {
    method: "turn/start",
    check: () => checkLocalFiles(input),
    send: async (host, threadId) => {
      const { turn } = await host.call("turn/start", { ...settings, threadId, input });
      return turn.id;
    },
  };
}

/** What the server has queued for the thread: the one that is named, or the first. */
export function queuedTurn(queuedSubmissionId: string | undefined): TurnStart {
  return {
    method: "thread/queue/start",
    send: async (host, threadId) => {
      const params = { threadId, queuedSubmissionId };
      const { turn } = await host.call("thread/queue/start", params);
      return turn.id;
    },
  };
}

/** The events of a review carry the answer's id, except for `turn/started`, which has one of its own. */
export function reviewTurn(target: ReviewTarget): TurnStart {
  return {
    method: "review/start",
    send: async (host, threadId) => {
      const { turn } = await host.call("review/start", { threadId, target });
      return turn.id;
    },
  };
}

/** The answer tells no id: the turn is the one whose first item is a compaction. */
export function compactionTurn(): TurnStart {
  return {
    method: "thread/compact/start",
    send: async (host, threadId, pending, ended) => {
      const id = pending.find(beginsWith((item) => item.type === "contextCompaction"));
      await host.call("thread/compact/start", { threadId });
      return Promise.race([id, ended.then(neverStarted)]);
    },
  };
}

/** The answer tells no id: the turn is the one whose first item is a command of the user's. */
export function shellTurn(command: string, timeoutMs: number | undefined): TurnStart {
  return {
    method: "thread/shellCommand",
    send: async (host, threadId, pending, ended) => {
      const id = pending.find(beginsWith((item) => item.source === "userShell"));
      await host.call("thread/shellCommand", { threadId, command, timeoutMs });
      return Promise.race([id, ended.then(neverStarted)]);
    },
  };
}

interface SomeItem {
  readonly type?: unknown;
  readonly source?: unknown;
}

/** Looks at a turn's first item; one that ends without any item is taken for ours, which failed. */
function beginsWith(fits: (item: SomeItem) => boolean) {
  return (events: readonly NotificationMessage[]): boolean => {
    const first = events.find(({ method }) => method === "item/started");
    if (!first) return events.at(-1)?.method === "turn/completed";
    const { item } = (first.params ?? {}) as { item?: SomeItem | null };
    return item ? fits(item) : false;
  };
}

function neverStarted(): never {
  throw new TurnNotStartedError();
}
