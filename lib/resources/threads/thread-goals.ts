import { threadGoalKeys, threadGoalSetParamsKeys } from "../../../generated/methods.js";
import { checkOptions, pickKeys } from "../../errors/check-options.js";
import type { ThreadGoal } from "../../../generated/types.js";
import { checkTrace } from "../../diagnostics/trace-context.js";
import { setsActiveGoal } from "../../messages/goal-status.js";
import { setGoalInTime } from "../../goals/late-goal.js";
import type { SetGoalOptions } from "../../options/goal-options.js";
import { checkGoal } from "../../options/split-options.js";
import { ThreadFacet } from "./thread-facet.js";

/** The goal of a thread: the server works on it by itself, turn after turn. */
export class ThreadGoals extends ThreadFacet {
  /** Reads the goal (`thread/goal/get`); `null` when the thread has none. */
  async get(): Promise<ThreadGoal | null> {
    return (await this.call("thread/goal/get", { threadId: this.threadId })).goal;
  }

  /**
   * Sets a goal, or changes the existing one (`thread/goal/set`), loading the thread first.
   *
   * A goal is `active` when it is new, or set to that: the server starts turns by itself, one after the
   * other, until the goal is complete, blocked or out of budget. `thread.unsolicitedTurns()` yields these
   * turns. A running turn goes on undisturbed, though its tokens count, and the goal's first turn follows
   * it.
   *
   * While the goal is active, messages of handles wait, as they do beside `runGoal()`. To say something in
   * between, `thread.queue.add()` gives a message a turn of its own after the running one, and `whenBusy:
   * "steer"` makes it a part of that one. `status: "paused"` ends the chain. Interrupting a turn stops the
   * chain but leaves the goal `active`: the next turn to end resumes it, so that one may be a handle's.
   *
   * `objective`: at most 4,000 characters. A new objective leaves the status as it is, so a goal that is
   * complete or paused needs `status: "active"` beside it to go on. `tokenBudget`: tokens, more than 0;
   * `null` removes the limit.
   *
   * @throws InvalidArgumentError for an objective or a budget that the server would refuse;
   * RequestTimeoutError, after which a goal that is set late is paused.
   */
  async set(goal: SetGoalOptions): Promise<ThreadGoal> {
    const keys = { ...threadGoalSetParamsKeys, trace: true };
    // The goal as it is may be given back.
    checkOptions("goal.set()", goal, keys, { ignored: threadGoalKeys });
    checkGoal(goal);
    checkTrace(goal.trace);
    const params = { ...pickKeys(goal, threadGoalSetParamsKeys), threadId: this.threadId };
    const session = await this.getSession(setsActiveGoal(params) ? "thread/goal/set" : undefined);
    return setGoalInTime(session, params, { trace: goal.trace });
  }

  /**
   * Removes the goal (`thread/goal/clear`); a turn that runs for it goes on to its end. Resolves with
   * whether there was one.
   */
  async clear(): Promise<boolean> {
    return (await this.call("thread/goal/clear", { threadId: this.threadId })).cleared;
  }
}
