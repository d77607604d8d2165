import type { AsyncIteration } from "../async/async-iteration.js";
import { checkOptions } from "../errors/check-options.js";
import { checkRunOptions } from "../option-keys.js";
import type { ThreadGoal } from "../../generated/types.js";
import { EventQueue } from "../async/event-queue.js";
import { mapIterator } from "../async/map-iterator.js";
import { GoalFailedError, GoalNotActiveError } from "../errors/goal-errors.js";
import { TurnNotActiveError } from "../errors/rpc-errors.js";
import { TurnStreamError } from "../errors/turn-errors.js";
import type { Connect } from "../host.js";
import { checkLocalFiles, normalizeInput, type TurnInput } from "../input.js";
import { turnIdOf } from "../rpc/notification-route.js";
import { eventBacklog } from "../turns/event-backlog.js";
import { StreamedText } from "../turns/streamed-text.js";
import { SubagentEvent } from "../turns/subagent-event.js";
import { Subagents, type EventOrigin, type Subagent } from "../turns/subagents.js";
import type { RunOptions } from "../turns/turn-options.js";
import { GoalExecution, type GoalRequest } from "./goal-execution.js";
import type { GoalResult } from "./goal-result.js";
import type { GoalEvent, GoalRunState } from "./goal-state.js";

/**
 * What `stream({ subagents: true })` of a goal yields. The `turnId` of the origin is empty for what is
 * said of the goal between two turns.
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
  readonly #queue: EventQueue<GoalEvent | SubagentEvent>;
  readonly #subagents: Subagents;
  #consumer: "none" | "stream" | "everything" | "result" = "none";
  #dropped = false;

  /** @internal Use `thread.runGoal()`. */
  constructor(connect: Connect, request: GoalRequest) {
    const { threadId, settings, controls } = request;
    this.threadId = threadId;
    this.objective = settings.objective;
    this.#queue = new EventQueue(
      async () => {
        if (controls.onBreak !== "detach") await this.#execution.interruptAndWait();
      },
      eventBacklog("goal", controls.maxBacklogBytes),
    );
    this.#subagents = new Subagents(
      () => this.#execution.host,
      (event, origin) => {
        if (this.#consumer !== "stream") this.#keep(new SubagentEvent(event, origin));
      },
    );
    this.#execution = new GoalExecution(connect, request, {
      connected: (host) => {
        this.#queue.countIn(host.backlogs);
      },
      event: (event) => {
        this.#keep(event);
        if (event.method !== "thread/goal/cleared") {
          this.#subagents.observe(event, { threadId, depth: 0 });
        }
      },
      ended: (failure) => {
        this.#subagents.stop();
        if (failure) this.#queue.fail(failure());
        else this.#queue.end();
      },
    });
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
   * @throws TurnStreamError when the goal is consumed already.
   */
  stream(options?: { subagents?: false | undefined }): AsyncIteration<GoalEvent>;
  stream(options: { subagents: true }): AsyncIteration<GoalEventWithOrigin>;
  stream(options: { subagents?: boolean | undefined } = {}): AsyncIteration<GoalEvent> {
    checkOptions("stream()", options, { subagents: true });
    const { subagents = false } = options;
    if (this.#consumer === "stream" || this.#consumer === "everything") {
      throw new TurnStreamError("This goal is already being iterated; a goal has one consumer.");
    }
    if (this.#dropped) {
      throw new TurnStreamError(
        "run() was called without iterating, so earlier events were not kept. Call stream() first.",
      );
    }
    if (subagents) {
      this.#consumer = "everything";
      return mapIterator(this.#queue, this.#withOrigin());
    }
    this.#consumer = "stream";
    this.#queue.retain((event) => !(event instanceof SubagentEvent));
    return this.#queue as EventQueue<GoalEvent>;
  }

  /** The sub-agents that the goal's turns have started so far, and theirs, each with its own turns. */
  subagents(): readonly Subagent[] {
    return this.#subagents.list();
  }

  /**
   * The assistant's text only, as it comes, of all turns. Unlike `stream()`, where you see the
   * outcome pass by, it throws a GoalFailedError at the end of a goal that failed.
   */
  async *textStream(): AsyncGenerator<string, undefined> {
    let streamed = new StreamedText();
    for await (const event of this.stream()) {
      // Another turn may have messages of the same ids.
      if (event.method === "turn/started") streamed = new StreamedText();
      if (event.method === "thread/goal/cleared") continue;
      const text = streamed.next(event);
      if (text !== undefined) yield text;
    }
    await this.run();
    return undefined;
  }

  /**
   * Waits for the end of the goal and collects its result. It may be called before, beside or after
   * iterating, and more than once. Look at `status`: a goal that was blocked, ran out of its budget,
   * was paused, cleared or interrupted has a result too.
   *
   * @throws GoalFailedError when the last turn failed and the goal is not complete, unless
   * `throwOnFailure` is false.
   * @throws TransportClosedError, GoalTimeoutError, GoalStalledError, `signal.reason`, or why the
   * goal could not be set.
   */
  async run(options: RunOptions = {}): Promise<GoalResult> {
    checkRunOptions(options);
    if (this.#consumer === "none") this.#consumer = "result";
    await this.#execution.ended;
    const { failure, result } = this.#execution;
    if (failure) throw failure();
    const lastTurn = result.turns.at(-1);
    const failed = lastTurn?.status === "failed" && result.status !== "complete";
    if (failed && options.throwOnFailure !== false) throw new GoalFailedError(result, lastTurn);
    return result;
  }

  /**
   * Adds input to the turn that runs (`turn/steer`). Between two turns it waits for the next one; a
   * turn that ends at this moment does not swallow it.
   *
   * @throws GoalNotActiveError when the goal ends before a turn could take it; nothing was sent.
   */
  async steer(input: TurnInput): Promise<void> {
    const items = normalizeInput(input);
    await checkLocalFiles(items);
    const { threadId } = this;
    for (;;) {
      const turn = await this.#execution.nextTurn();
      if (!turn) throw new GoalNotActiveError();
      const expectedTurnId = turn.state.id;
      try {
        await turn.host?.call("turn/steer", { threadId, expectedTurnId, input: items });
        return;
      } catch (error) {
        if (!(error instanceof TurnNotActiveError)) throw error;
      }
      // The server has ended it, and says so behind its answer.
      await Promise.race([turn.ended, this.#execution.ended]);
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

  /** Events are kept for a consumer that may still come, but not beside a lone `run()`. */
  #keep(event: GoalEvent | SubagentEvent): void {
    if (this.#consumer === "result") {
      this.#queue.clear();
      this.#dropped = true;
    } else {
      this.#queue.push(event);
    }
  }

  /** To be called with one event after the other: some are of the turn that runs, and do not name it. */
  #withOrigin(): (event: GoalEvent | SubagentEvent) => GoalEventWithOrigin {
    const { threadId } = this;
    let running = "";
    return (event) => {
      if (event instanceof SubagentEvent) return { ...event.event, origin: event.origin };
      const named = turnIdOf(event);
      if (event.method === "turn/started") running = named ?? "";
      const origin = { threadId, turnId: named ?? running, parentThreadId: null, depth: 0 };
      if (event.method === "turn/completed") running = "";
      return { ...event, origin };
    };
  }
}
