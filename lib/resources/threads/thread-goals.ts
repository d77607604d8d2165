import { threadGoalSetParamsKeys } from "../../../generated/methods.js";
import { pickKeys } from "../../errors/check-options.js";
import { checkSetGoal } from "../../options/option-keys.js";
import type { ThreadGoal } from "../../../generated/types.js";
import type { GetSession } from "../../session/session.js";
import { checkTrace } from "../../jsonrpc/trace-context.js";
import { setGoalInTime } from "../../goals/late-goal.js";
import type { SetGoalOptions } from "../../options/goal-options.js";
import { checkBudget, checkObjective } from "../../options/split-goal-options.js";
import { Resource } from "../resource.js";

/** The goal of a thread: the server works on it by itself, turn after turn. */
export class ThreadGoals extends Resource {
  readonly #threadId: string;

  /** @internal Use `thread.goal`. */
  constructor(getSession: GetSession, threadId: string) {
    super(getSession);
    this.#threadId = threadId;
  }

  /** Reads the goal (`thread/goal/get`); `null` when the thread has none. */
  async get(): Promise<ThreadGoal | null> {
    return (await this.call("thread/goal/get", { threadId: this.#threadId })).goal;
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
    checkSetGoal(goal);
    checkObjective(goal.objective);
    checkBudget(goal.tokenBudget);
    checkTrace(goal.trace);
    const params = { ...pickKeys(goal, threadGoalSetParamsKeys), threadId: this.#threadId };
    return setGoalInTime(await this.getSession(), params, { trace: goal.trace });
  }

  /**
   * Removes the goal (`thread/goal/clear`); a turn that runs for it goes on to its end. Resolves with
   * whether there was one.
   */
  async clear(): Promise<boolean> {
    return (await this.call("thread/goal/clear", { threadId: this.#threadId })).cleared;
  }
}
