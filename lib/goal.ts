import type { AsyncIteration } from "./async/async-iteration.js";
import { checkRunOptions } from "./options/option-keys.js";
import type { ThreadGoal, UserInput } from "../generated/types.js";
import { GoalFailedError, GoalNotActiveError } from "./goals/goal-errors.js";
import { TurnNotActiveError } from "./errors/rpc-errors.js";
import type { GetSession } from "./session/session.js";
import { normalizeInput, type TurnInput } from "./options/input.js";
import { prepareInput } from "./session/prepare-input.js";
import type { TextStreamOptions } from "./turns/answer-text.js";
import { HandleEvents } from "./turns/handle-events.js";
import type { MessageUpdate } from "./turns/message-updates.js";
import type { EventOrigin, Subagent } from "./turns/subagents.js";
import type { RunOptions } from "./options/turn-options.js";
import type { GoalExecution } from "./goals/goal-execution.js";
import { startGoal, type GoalRequest } from "./goals/start-goal.js";
import type { GoalResult } from "./results/goal-result.js";
import type { GoalEvent, GoalRunState } from "./goals/goal-state.js";

/**
 * An event that `stream({ subagents: true })` of a goal yields. The `turnId` of the origin is empty for
 * what is said of the goal between two turns.
 */
export type GoalEventWithOrigin = GoalEvent & { readonly origin: EventOrigin };

/**
 * A goal of a thread, on its way since this handle was made: the turns that the server starts for it,
 * one after the other, as if they were one.
 *
 * Iterate it to follow all of them, call `run()` to wait for the result, or both. Leaving the loop
 * early stops the goal and waits for its end (see `onBreak`).
 */
export class GoalRun implements AsyncIterable<GoalEvent>, AsyncDisposable {
  readonly threadId: string;
  readonly objective: string;
  readonly #execution: GoalExecution;
  readonly #events: HandleEvents<GoalEvent>;

  /** @internal Use `thread.runGoal()`. */
  constructor(getSession: GetSession, request: GoalRequest) {
    const { threadId, settings, controls } = request;
    this.threadId = threadId;
    this.objective = settings.objective;
    this.#events = new HandleEvents("goal", this, controls);
    this.#execution = startGoal(getSession, request, this.#events);
  }

  /**
   * Resolves when the server has taken the goal, which it works on from then on; rejects when it
   * never will. Not awaiting it is fine.
   */
  get started(): Promise<ThreadGoal> {
    return this.#execution.accepted;
  }

  /** A snapshot at this moment: the goal, the turns that have ended, and the one that runs. */
  get state(): GoalRunState {
    return this.#execution.state;
  }

  /** The same as `stream()`. */
  [Symbol.asyncIterator](): AsyncIteration<GoalEvent> {
    return this.stream();
  }

  /**
   * The events of all turns in order, each with the id of its own turn as the server sent it, and
   * `thread/goal/updated` and `thread/goal/cleared` between them. The iteration ends once, when the
   * goal is over and its last turn has completed; it throws what kept the goal from getting there.
   *
   * With `subagents`, the events of the turns' sub-agents come in between, also between two turns, and
   * each event has an `origin`. Without, a sub-agent's events never come.
   *
   * It may begin after `run()` was called, too: beside a lone `run()` up to 1 MiB of events is kept.
   *
   * @throws TurnStreamError when the goal is consumed already, or when more than that has come.
   */
  stream(options?: { subagents?: false | undefined }): AsyncIteration<GoalEvent>;
  stream(options: { subagents: true }): AsyncIteration<GoalEventWithOrigin>;
  stream(options: { subagents?: boolean | undefined } = {}): AsyncIteration<GoalEvent> {
    return this.#events.stream(options);
  }

  /** The sub-agents that the goal's turns have started so far, and theirs, each with its own turns. */
  subagents(): readonly Subagent[] {
    return this.#events.subagents();
  }

  /**
   * The assistant's messages as they grow, of all turns: as `turn.messages()` has them. Like
   * `textStream()` it throws at the end of a goal that failed.
   */
  messages(): AsyncGenerator<MessageUpdate, undefined> {
    return this.#events.messages();
  }

  /**
   * The text of each turn's final answer as it comes, as in `turn.textStream()`; a blank line parts the
   * turns, too. Unlike `stream()`, where you see the outcome pass by, it throws a GoalFailedError at the
   * end of a goal that failed.
   *
   * @throws InvalidArgumentError for options that it does not know.
   */
  textStream(options: TextStreamOptions = {}): AsyncGenerator<string, undefined> {
    return this.#events.texts(options);
  }

  /**
   * Waits for the end of the goal and collects its result. It may be called before, beside or after
   * iterating, and more than once. Look at `status`: a goal that was blocked, ran out of its budget,
   * was paused, cleared or interrupted has a result too.
   *
   * @throws GoalFailedError when the last turn failed and the goal is not complete, unless
   * `throwOnFailure` is false.
   * @throws TransportClosedError, GoalTimeoutError, GoalStalledError, BudgetExceededError,
   * `signal.reason`, or why the goal could not be set.
   */
  async run(options: RunOptions = {}): Promise<GoalResult> {
    checkRunOptions(options);
    this.#events.run();
    await this.#execution.life.ended;
    this.#events.trim();
    const { life, result } = this.#execution;
    if (life.failure) throw life.failure();
    const lastTurn = result.turns.at(-1);
    const failed = lastTurn?.status === "failed" && result.status !== "complete";
    if (failed && options.throwOnFailure !== false) throw new GoalFailedError(result, lastTurn);
    return result;
  }

  /**
   * Adds input to the turn that runs (`turn/steer`), and resolves with that turn's id when the server
   * has taken it. Between two turns it waits for the next one; a turn that ends at this moment does not
   * swallow it.
   *
   * @throws GoalNotActiveError when the goal ends before a turn could take it; nothing was sent.
   */
  async steer(input: TurnInput): Promise<string> {
    const given = normalizeInput(input);
    let items: UserInput[] | undefined;
    const { threadId } = this;
    for (;;) {
      const turn = await this.#execution.nextTurn();
      const session = turn?.session;
      if (!turn || !session) throw new GoalNotActiveError();
      items ??= await prepareInput(session, given);
      const expectedTurnId = turn.state.id;
      try {
        await session.call("turn/steer", { threadId, expectedTurnId, input: items });
        return expectedTurnId;
      } catch (error) {
        if (!(error instanceof TurnNotActiveError)) throw error;
      }
      // The server has ended it, and says so behind its answer.
      await Promise.race([turn.life.ended, this.#execution.life.ended]);
    }
  }

  /**
   * Stops the goal: interrupts the turn that runs (`turn/interrupt`), pauses the goal, so that the
   * server does not go on by itself, and sees to it that no turn slips through in between. Resolves
   * when the goal has ended, with `status: "interrupted"` unless it came to its own end first. Safe
   * at any time and any number of times; a goal that still waits for its thread is never sent.
   *
   * @throws StopUnconfirmedError when the server has not confirmed it within a minute. The client goes
   * on stopping the goal, and another call waits for that.
   */
  interrupt(): Promise<void> {
    return this.#execution.interrupt();
  }

  /** Stops the goal if it still runs, and waits for its end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#execution.interruptAndWait();
  }
}
