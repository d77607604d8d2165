import type { ThreadGoal } from "../../generated/types.js";
import { onAbort } from "../async/abort.js";
import { copyError, isDrop } from "../errors/connection-errors.js";
import { GoalDetachedError } from "./goal-errors.js";
import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { Session } from "../session/session.js";
import type { ServerNotification } from "../protocol.js";
import type { Failure } from "../turns/turn-request.js";

/** Who is told of what happens to a goal outside of its turns. None of the functions may throw. */
interface GoalWatcher {
  updated(event: ServerNotification<"thread/goal/updated">, goal: ThreadGoal): void;
  cleared(event: ServerNotification<"thread/goal/cleared">): void;
  /** The thread is no longer loaded: the server starts no more turns. */
  gone(): void;
  /** Nothing more will be heard of the goal. */
  lost(failure: Failure): void;
}

/** What the server says of a thread's goal, and of the thread, apart from its turns. */
export class GoalWatch {
  readonly #session: Session;
  readonly #threadId: string;
  readonly #watcher: GoalWatcher;
  readonly #stops: (() => void)[] = [];

  constructor(session: Session, threadId: string, watcher: GoalWatcher) {
    this.#session = session;
    this.#threadId = threadId;
    this.#watcher = watcher;
  }

  /** The goal is about to be set: from now on it is the one that the server speaks of. */
  begin(objective: string): void {
    const watcher = this.#watcher;
    let known = false;
    this.#on("thread/goal/updated", (event) => {
      const goal = event.params.goal as ThreadGoal | null | undefined;
      if (typeof goal !== "object" || goal === null) return;
      known ||= goal.objective === objective.trim().toWellFormed();
      watcher.updated(event, goal);
    });
    this.#on("thread/goal/cleared", (event) => {
      // Before, the server speaks of the old goal, or of a thread that it has loaded without one.
      if (known) watcher.cleared(event);
    });
    for (const method of ["thread/archived", "thread/deleted", "thread/closed"] as const) {
      this.#on(method, () => {
        watcher.gone();
      });
    }
    this.#on("thread/status/changed", () => {
      // Of an unsubscribed thread the status is all that is heard, but of its running turn: that is
      // told by itself.
      if (this.#session.isLoaded(this.#threadId)) return;
      watcher.lost(() => new TurnDetachedError());
    });
    const unlink = onAbort(this.#session.connectionSignal, (reason) => {
      // Turns that the server starts while nobody is connected could not be told apart afterwards.
      watcher.lost(() =>
        isDrop(reason) ? new GoalDetachedError(reason) : copyError(reason, "the goal"),
      );
    });
    this.#stops.push(unlink);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #on<M extends ThreadNotification>(
    method: M,
    listener: (event: ServerNotification<M>) => void,
  ): void {
    const stop = this.#session.on(method, (event) => {
      const { threadId } = event.params as { threadId?: unknown };
      if (threadId === this.#threadId) listener(event);
    });
    this.#stops.push(stop);
  }
}

type ThreadNotification =
  | "thread/goal/updated"
  | "thread/goal/cleared"
  | "thread/archived"
  | "thread/deleted"
  | "thread/closed"
  | "thread/status/changed";
