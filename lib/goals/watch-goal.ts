import type { ThreadGoal } from "../../generated/types.js";
import { onAbort } from "../async/abort.js";
import type { Failure } from "../async/life.js";
import { copyError, isDrop } from "../errors/connection-errors.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import { textOf } from "../messages/field-of.js";
import type { ServerNotification, ServerNotificationMethod } from "../protocol.js";
import type { Session } from "../session/session.js";
import { GoalDetachedError } from "./goal-errors.js";

/** Who is told what happens to a goal outside of its turns. */
interface GoalWatcher {
  updated(event: ServerNotification<"thread/goal/updated">, goal: ThreadGoal): void;
  cleared(event: ServerNotification<"thread/goal/cleared">): void;
  /** The thread is no longer loaded: the server starts no more turns. */
  gone(): void;
  /** Nothing more will be heard of the goal. */
  lost(failure: Failure): void;
}

/**
 * Watches what the server says of a thread's goal, and of the thread, apart from its turns. The goal is
 * about to be set: from now on it is the one that the server speaks of. Returns what stops it.
 */
export function watchGoal(
  session: Session,
  threadId: string,
  objective: string,
  watcher: GoalWatcher,
): () => void {
  let isKnown = false;
  const on = <M extends ServerNotificationMethod>(
    method: M,
    listener: (event: ServerNotification<M>) => void,
  ): (() => void) =>
    session.on(method, (event) => {
      if (textOf(event.params, "threadId") === threadId) listener(event);
    });
  const gone = (): void => {
    watcher.gone();
  };
  const stops = [
    on("thread/goal/updated", (event) => {
      const goal = event.params.goal as ThreadGoal | null | undefined;
      if (typeof goal !== "object" || goal === null) return;
      isKnown ||= goal.objective === objective.trim().toWellFormed();
      watcher.updated(event, goal);
    }),
    on("thread/goal/cleared", (event) => {
      // Before, the server speaks of the old goal, or of a thread that it has loaded without one.
      if (isKnown) watcher.cleared(event);
    }),
    on("thread/archived", gone),
    on("thread/deleted", gone),
    on("thread/closed", gone),
    on("thread/status/changed", () => {
      // Of an unsubscribed thread the status is all that is heard, but of its running turn: that is
      // told by itself.
      if (!session.isLoaded(threadId)) watcher.lost(() => new TurnDetachedError());
    }),
    onAbort(session.connectionSignal, (reason) => {
      // Turns that the server starts while nobody is connected could not be told apart afterwards.
      watcher.lost(() =>
        isDrop(reason) ? new GoalDetachedError(reason) : copyError(reason, "the goal"),
      );
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
