/** Compile-time checks of goals; nothing here runs. */
import type {
  GoalEvent,
  GoalFailedError,
  GoalOptions,
  GoalResult,
  GoalRun,
  GoalRunState,
  GoalRunStatus,
  GoalTimeoutError,
  RunOptions,
  Thread,
  TurnEvent,
  TurnResult,
  TurnState,
  protocol,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;
type Not<Check extends boolean> = Check extends true ? false : true;

/** A goal can be iterated and disposed of, like a turn; awaiting one gives the goal itself. */
export type GoalIsNoPromise = Hold<
  [
    Not<GoalRun extends PromiseLike<unknown> ? true : false>,
    Same<Awaited<GoalRun>, GoalRun>,
    GoalRun extends AsyncIterable<GoalEvent> & AsyncDisposable ? true : false,
    Same<ReturnType<Thread["runGoal"]>, GoalRun>,
    Same<Parameters<Thread["runGoal"]>, [objective: string, options?: GoalOptions | undefined]>,
    Same<Parameters<GoalRun["run"]>, [options?: RunOptions | undefined]>,
    Same<Awaited<ReturnType<GoalRun["run"]>>, GoalResult>,
    Same<Awaited<GoalRun["started"]>, protocol.ThreadGoal>,
    Same<GoalRun["state"], GoalRunState>,
  ]
>;

/** The result knows the server's own words, and those of a newer server. */
export type StatusIsOpen = Hold<
  [
    protocol.ThreadGoalStatus extends GoalRunStatus ? true : false,
    Same<"interrupted" extends GoalRunStatus ? true : false, true>,
    Same<string extends GoalRunStatus ? true : false, true>,
    Same<GoalResult["turns"], readonly TurnResult[]>,
    Same<GoalResult["goal"], protocol.ThreadGoal | null>,
    Same<GoalRunState["turn"], TurnState | null>,
    Same<GoalFailedError["result"], GoalResult>,
    Same<GoalTimeoutError["result"], GoalResult>,
  ]
>;

/** The stream has the events of the turns, and the goal's own. */
export type EventsOfTurnsAndGoal = Hold<
  [
    TurnEvent extends GoalEvent ? true : false,
    "thread/goal/updated" extends GoalEvent["method"] ? true : false,
    "thread/goal/cleared" extends GoalEvent["method"] ? true : false,
    Not<"thread/archived" extends GoalEvent["method"] ? true : false>,
  ]
>;

// An event narrows by its method.
export function goalOf(event: GoalEvent): protocol.ThreadGoal | null {
  return event.method === "thread/goal/updated" ? event.params.goal : null;
}

export function options(thread: Thread, signal?: AbortSignal, timeoutMs?: number): void {
  thread.runGoal("Reach it");
  thread.runGoal("Reach it", { signal, timeoutMs, tokenBudget: null, origin: "user" });
  thread.runGoal("Reach it", { onBreak: "detach", whenBusy: "reject", onApproval: "accept" });
  // @ts-expect-error -- a goal has an objective
  thread.runGoal();
  // @ts-expect-error -- a goal is not added to the turn that runs
  thread.runGoal("Reach it", { whenBusy: "steer" });
  // @ts-expect-error -- the model is the thread's own
  thread.runGoal("Reach it", { model: "other" });
}
