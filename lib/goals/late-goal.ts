import type { ThreadGoal } from "../../generated/types.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { hasActiveGoal } from "../messages/goal-status.js";
import type { ParamsOf } from "../protocol.js";
import { callLoaded } from "../session/call-loaded.js";
import { undoneWhenLate } from "../session/confirm-end.js";
import { readRunningTurn } from "../session/recovery/running-turn.js";
import type { Session } from "../session/session.js";
import type { ThreadState } from "../session/thread-state.js";
import { stopUnfollowed, watchForLate } from "../turns/stop-unfollowed.js";
import { GoalExecution } from "./goal-execution.js";

/**
 * Sets a goal (`thread/goal/set`), loading the thread first. If that is carried out after its deadline, when
 * nobody looks after the goal, the goal is paused and its turn interrupted: found out by the late answer, or
 * for a minute by the news of such a goal. Not if the thread has been given a goal anew since: then it is
 * that one's.
 *
 * `following` hears what the server tells of the goal in other ways: if that has come, no answer is needed.
 */
export async function setGoalInTime(
  session: Session,
  params: ParamsOf<"thread/goal/set">,
  options: RequestOptions,
  following?: GoalExecution,
): Promise<ThreadGoal> {
  const { threadId } = params;
  const thread = session.thread(threadId);
  const request: NonNullable<ThreadState["goalRequest"]> = {};
  thread.goalRequest?.late?.end();
  // The thread is not forgotten as long as it has this.
  thread.goalRequest = request;
  const forget = (): void => {
    if (thread.goalRequest !== request) return;
    thread.goalRequest = undefined;
    session.threads.tidy(threadId);
  };
  const stopLate = (goal: ThreadGoal): void => {
    if (thread.goalRequest !== request || request.late || !setsGoing(params, goal)) return;
    // Another handle has the goals of the thread.
    if (session.turns.of(threadId)?.isAskedFor) {
      forget();
      return;
    }
    const late = new GoalExecution({ threadId, controls: {}, handlers: undefined });
    request.late = late;
    void stopLateGoal(session, threadId, late, goal).then(forget);
  };
  const undo = undoneWhenLate("If it does, this client pauses the goal.", (result) => {
    if (hasActiveGoal(result)) stopLate((result as { goal: ThreadGoal }).goal);
    if (!request.late) forget();
  });
  try {
    const { goal } = await callLoaded(session, "thread/goal/set", params, { ...undo, ...options });
    forget();
    return goal;
  } catch (error) {
    const isLate = error instanceof RequestTimeoutError && error.sent;
    const goal = isLate ? (following?.state.goal ?? null) : null;
    if (isLate && !goal) watchForLateGoal(session, params, stopLate);
    else forget();
    if (goal) return goal;
    throw error;
  }
}

/** Whether it was this request that has set the goal going: one that was active before somebody else has. */
function setsGoing(
  { status = null }: ParamsOf<"thread/goal/set">,
  { tokensUsed }: ThreadGoal,
): boolean {
  return status === "active" || (status === null && tokensUsed === 0);
}

/** Waits for the news of an active goal with this objective. */
function watchForLateGoal(
  session: Session,
  { threadId, objective }: ParamsOf<"thread/goal/set">,
  stopLate: (goal: ThreadGoal) => void,
): void {
  watchForLate(session, "thread/goal/updated", ({ params }) => {
    if (params.threadId !== threadId || !hasActiveGoal(params)) return false;
    const { goal } = params;
    if (goal.objective !== objective?.trim().toWellFormed()) return false;
    stopLate(goal);
    return true;
  });
}

/** Never rejects: there is nobody to tell. */
async function stopLateGoal(
  session: Session,
  threadId: string,
  late: GoalExecution,
  goal: ThreadGoal,
): Promise<void> {
  late.enter(session, session.thread(threadId).slots.enter({ wait: false }));
  late.begin(goal.objective);
  late.take(goal);
  late.life.tell();
  await Promise.all([stopRunningTurn(session, threadId), late.windDown()]);
}

/** The server may have begun the goal's turn before anybody followed its turns. */
async function stopRunningTurn(session: Session, threadId: string): Promise<void> {
  if (!session.thread(threadId).slots.isRunning) return;
  const turn = await readRunningTurn(threadId, session.call.bind(session)).catch(() => undefined);
  if (turn) await stopUnfollowed(session, threadId, turn.id);
}
