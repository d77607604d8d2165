import type { ThreadGoal } from "../../generated/types.js";
import { onAbort } from "../async/abort.js";
import type { Failure } from "../async/life.js";
import { copyError, isDrop } from "../errors/connection-errors.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { ServerNotification } from "../protocol.js";
import type { Session } from "../session/session.js";
import { GoalDetachedError } from "./goal-errors.js";

/** What happens to a goal outside of its turns. */
export type GoalHappening =
  | {
      readonly type: "updated";
      readonly event: ServerNotification<"thread/goal/updated">;
      readonly goal: ThreadGoal;
    }
  | { readonly type: "cleared"; readonly event: ServerNotification<"thread/goal/cleared"> }
  /** The thread is no longer loaded: the server starts no more turns. */
  | { readonly type: "gone" }
  /** Nothing more will be heard of the goal. */
  | { readonly type: "lost"; readonly failure: Failure };

/**
 * Watches what the server says of a thread's goal, and of the thread, apart from its turns. The goal is
 * about to be set: from now on it is the one that the server speaks of. Returns what stops it.
 */
export function watchGoal(
  session: Session,
  threadId: string,
  objective: string,
  goal: { happened(what: GoalHappening): void },
): () => void {
  let isKnown = false;
  const on = <M extends ThreadNotification>(
    method: M,
    listener: (event: ServerNotification<M>) => void,
  ): (() => void) =>
    session.on(method, (event) => {
      if ((event.params as { threadId?: unknown }).threadId === threadId) listener(event);
    });
  const gone = (): void => {
    goal.happened({ type: "gone" });
  };
  const stops = [
    on("thread/goal/updated", (event) => {
      const told = event.params.goal as ThreadGoal | null | undefined;
      if (typeof told !== "object" || told === null) return;
      isKnown ||= told.objective === objective.trim().toWellFormed();
      goal.happened({ type: "updated", event, goal: told });
    }),
    on("thread/goal/cleared", (event) => {
      // Before, the server speaks of the old goal, or of a thread that it has loaded without one.
      if (isKnown) goal.happened({ type: "cleared", event });
    }),
    on("thread/archived", gone),
    on("thread/deleted", gone),
    on("thread/closed", gone),
    on("thread/status/changed", () => {
      // Of an unsubscribed thread the status is all that is heard, but of its running turn: that is
      // told by itself.
      if (session.isLoaded(threadId)) return;
      goal.happened({ type: "lost", failure: () => new TurnDetachedError() });
    }),
    onAbort(session.connectionSignal, (reason) => {
      // Turns that the server starts while nobody is connected could not be told apart afterwards.
      const failure = () =>
        isDrop(reason) ? new GoalDetachedError(reason) : copyError(reason, "the goal");
      goal.happened({ type: "lost", failure });
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

type ThreadNotification =
  | "thread/goal/updated"
  | "thread/goal/cleared"
  | "thread/archived"
  | "thread/deleted"
  | "thread/closed"
  | "thread/status/changed";
