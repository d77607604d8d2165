import type { AsyncIteration } from "./async/async-iteration.js";
import { checkRunOptions } from "./options/option-keys.js";
import type { KnownRateLimits } from "./results/rate-limits.js";
import { TurnFailedError, TurnNotStartedError } from "./turns/turn-errors.js";
import { normalizeInput, type TurnInput } from "./options/input.js";
import { prepareInput } from "./session/prepare-input.js";
import type { TurnEvent } from "./protocol.js";
import type { GetSession } from "./session/session.js";
import type { TurnFollower } from "./session/turn-follower.js";
import type { TraceContext } from "./diagnostics/trace-context.js";
import type { OutputFormat } from "./schema/output-format.js";
import type { TextStreamOptions } from "./turns/answer-text.js";
import { HandleEvents } from "./turns/handle-events.js";
import type { MessageUpdate } from "./turns/message-updates.js";
import { startTurn } from "./turns/start-turn.js";
import type { EventOrigin, Subagent } from "./turns/subagents.js";
import type { TurnExecution } from "./turns/turn-execution.js";
import type { RunOptions } from "./options/turn-options.js";
import type { TurnRequest } from "./turns/turn-request.js";
import { readOutput, toTurnResult } from "./turns/turn-result.js";
import { type TurnResult } from "./results/turn-result.js";
import type { TurnState } from "./results/turn-state.js";

/** The state of a turn, and of the account it is charged to, at one moment. */
export interface TurnSnapshot extends TurnState {
  /** The newest rate limits that the server has told; `null` when it has told none. */
  readonly rateLimits: KnownRateLimits | null;
}

/** An event that `stream({ subagents: true })` yields. */
export type TurnEventWithOrigin = TurnEvent & { readonly origin: EventOrigin };

/**
 * One execution of the model on a thread. It is under way from the moment this handle is made.
 *
 * Iterate it to follow its notifications, call `run()` to wait for its result, or both. Leaving the loop
 * early interrupts the turn and waits for its end (see `onBreak`).
 */
export class Turn<Output = unknown> implements AsyncIterable<TurnEvent>, AsyncDisposable {
  readonly threadId: string;
  readonly #format: OutputFormat | undefined;
  readonly #trace: TraceContext | undefined;
  #output: Promise<unknown> | undefined;
  readonly #execution: TurnExecution;
  readonly #events: HandleEvents<TurnEvent>;

  /** @internal Use `thread.turn()`. */
  constructor(getSession: GetSession, request: TurnRequest, format?: OutputFormat) {
    const { threadId, controls } = request;
    this.threadId = threadId;
    this.#format = format;
    this.#trace = controls.trace;
    this.#events = new HandleEvents("turn", this, controls, request.resultOnly);
    this.#execution = startTurn(getSession, request, this.#events);
  }

  /** @internal How the routes see the turn. */
  get follower(): TurnFollower {
    return this.#execution;
  }

  /** The turn's id, once the server has named it. */
  get id(): string | undefined {
    const { id } = this.#execution.state;
    return id === "" ? undefined : id;
  }

  /**
   * Resolves when the server has accepted the turn and named it; rejects when it never will. Not
   * awaiting it is fine.
   */
  get started(): Promise<{ readonly id: string }> {
    return this.#execution.accepted;
  }

  /** A snapshot of the turn at this moment: items, streamed text, plan, diff, usage, rate limits. */
  get state(): TurnSnapshot {
    const { state, session } = this.#execution;
    return { ...state, rateLimits: session?.rateLimits.current ?? null };
  }

  /** The same as `stream()`. */
  [Symbol.asyncIterator](): AsyncIteration<TurnEvent> {
    return this.stream();
  }

  /**
   * Iterates the turn's notifications from its very start. The iteration ends after `turn/completed`,
   * whose status tells how the turn went; it throws the error that kept the turn from getting there.
   *
   * Events that you read late wait. From 1,000 waiting events on, a text delta is merged with the newest
   * one of the same text: no text is lost, but one event brings the text of several. From 1,000 events or
   * 256 KiB on, only the newest of the turn's diff, its plan, its usage and the patch of each file change
   * waits, at its own place. Above `maxBacklogBytes`, or the client's `maxTotalBacklogBytes`, iterating
   * throws a SlowConsumerError, while `run()` still gives the result.
   *
   * With `subagents`, events of its sub-agents' turns come in between, and each event has an `origin`.
   * Without, they never come.
   *
   * When nothing has come for `idleTimeoutMs`, a waiting iteration throws a TurnStalledError; iterate
   * again to go on where it stopped.
   *
   * The iteration may begin after `run()` was called: beside a lone `run()` up to 1 MiB of events is kept.
   *
   * @throws TurnStreamError when the turn is consumed already, or when more than that has come.
   */
  stream(options?: { subagents?: false | undefined }): AsyncIteration<TurnEvent>;
  stream(options: { subagents: true }): AsyncIteration<TurnEventWithOrigin>;
  stream(options: { subagents?: boolean | undefined } = {}): AsyncIteration<TurnEvent> {
    const events = this.#events.stream(options);
    this.#execution.heard();
    return events;
  }

  /**
   * The sub-agents that the turn has started so far, and those that they have started, each with its own
   * turns.
   */
  subagents(): readonly Subagent[] {
    return this.#events.subagents();
  }

  /**
   * Iterates the assistant's messages as they grow. Each update names its message (`turnId`, `id`), says
   * what the message is (`phase`) and has the whole `text` so far, besides the text that was added. When
   * the model breaks off and says a message anew, `"reset"` takes back its text; see `MessageUpdate`.
   *
   * ```ts
   * for await (const { id, text } of turn.messages()) show(id, text);
   * ```
   *
   * It is an iteration of the turn, as `stream()` is: a turn has one. Like `textStream()`, it throws at
   * the end of a turn that failed or missed its `outputSchema`.
   */
  messages(): AsyncGenerator<MessageUpdate, undefined> {
    return this.#events.messages();
  }

  /**
   * Iterates the text of the final answer as it comes, or the text of all messages if the model does not
   * mark them. A blank line separates two messages. When the model broke off and is asked again, its
   * message comes once more from the beginning: if it begins with what was yielded, only the rest is
   * yielded; else all of it comes behind a blank line. `messages()` tells which message each piece belongs
   * to.
   *
   * Unlike `stream()`, where you see the outcome pass by, it throws at the end of a turn that failed or
   * missed its `outputSchema`, as `run()` does.
   *
   * @throws InvalidArgumentError for options that it does not know.
   */
  textStream(options: TextStreamOptions = {}): AsyncGenerator<string, undefined> {
    return this.#events.texts(options);
  }

  /**
   * Waits for the end of the turn and collects its result. It may be called before, beside or
   * after iterating, and more than once.
   *
   * @throws TurnFailedError for a failed turn, unless `throwOnFailure` is false. An interrupted
   * turn has a result, with `status: "interrupted"`.
   * @throws OutputMismatchError when a completed turn's answer does not fit its `outputSchema`.
   * @throws TurnStalledError when nothing has come for `idleTimeoutMs`; call it again to go on waiting.
   * @throws BudgetExceededError when it was interrupted, or not sent, since a `budget` was used up.
   * @throws TurnLostError when the turn is over and the server cannot tell how it ended.
   * @throws TransportClosedError, TurnTimeoutError, `signal.reason`, or why it could not start.
   */
  async run(options: RunOptions = {}): Promise<TurnResult<Output>> {
    checkRunOptions(options);
    this.#events.run();
    await this.#execution.untilEnded();
    this.#events.trim();
    const { life, state } = this.#execution;
    if (life.failure) throw life.failure();
    const result = toTurnResult(state, this.#execution.session?.usage);
    if (result.status === "failed" && options.throwOnFailure !== false) {
      throw new TurnFailedError(result);
    }
    if (this.#format && result.status === "completed") {
      this.#output ??= readOutput(this.#format, result);
      return { ...result, output: (await this.#output) as Output };
    }
    return result as TurnResult<Output>;
  }

  /**
   * Adds input to the running turn (`turn/steer`), after waiting for it to run, and resolves with the
   * turn's id when the server has taken it. The server then cuts the message that is being streamed, and
   * asks the model again.
   *
   * @throws TurnNotActiveError when the turn has ended, or the error that kept it from starting.
   */
  async steer(input: TurnInput): Promise<string> {
    const given = normalizeInput(input);
    const { threadId } = this;
    const { id } = await this.started;
    const { session } = this.#execution;
    // A turn that has started has one.
    if (!session) throw new TurnNotStartedError();
    const items = await prepareInput(session, given);
    await this.#execution.untilRunning();
    const params = { threadId, expectedTurnId: id, input: items };
    await session.call("turn/steer", params, { trace: this.#trace });
    return id;
  }

  /**
   * Stops the turn (`turn/interrupt`), which then ends with `status: "interrupted"`. Resolves when
   * the server has agreed, or the turn has ended anyway. Safe at any time and any number of times;
   * a turn that still waits for its thread is never sent, and one that the server is slow to begin is
   * stopped when it begins.
   *
   * @throws StopUnconfirmedError when the server has not agreed within a minute. The client goes on
   * stopping the turn, and another call waits for that.
   */
  interrupt(): Promise<void> {
    return this.#execution.interrupt();
  }

  /** Interrupts the turn if it still runs, and waits for its end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#execution.interruptAndWait();
  }
}
