import type { AsyncIteration } from "./async/async-iteration.js";
import { checkOptions } from "./errors/check-options.js";
import { checkRunOptions } from "./option-keys.js";
import type { KnownRateLimits } from "./account/known-rate-limits.js";
import { EventQueue } from "./async/event-queue.js";
import { mapIterator } from "./async/map-iterator.js";
import { TurnFailedError, TurnStreamError } from "./errors/turn-errors.js";
import { checkLocalFiles, normalizeInput, type TurnInput } from "./input.js";
import type { TurnEvent } from "./protocol.js";
import type { Connect, TurnFollower } from "./host.js";
import type { OutputFormat } from "./schema/output-format.js";
import { eventBacklog } from "./turns/event-backlog.js";
import { StreamedText } from "./turns/streamed-text.js";
import { SubagentEvent } from "./turns/subagent-event.js";
import { Subagents, type EventOrigin, type Subagent } from "./turns/subagents.js";
import { TurnExecution } from "./turns/turn-execution.js";
import type { RunOptions } from "./turns/turn-options.js";
import { readOutput } from "./turns/turn-output.js";
import type { TurnRequest } from "./turns/turn-request.js";
import { toTurnResult, type TurnResult } from "./turns/turn-result.js";
import type { TurnState } from "./turns/turn-state.js";

/** What is known of a turn, and of the account it is charged to, at one moment. */
export interface TurnSnapshot extends TurnState {
  /** The newest rate limits that the server has told; `null` when it has told none. */
  readonly rateLimits: KnownRateLimits | null;
}

/** What `stream({ subagents: true })` yields. */
export type TurnEventWithOrigin = TurnEvent & { readonly origin: EventOrigin };

/**
 * One model execution on a thread, on its way since this handle was made.
 *
 * Iterate it to follow its notifications, call `run()` to wait for its result, or both. Leaving the
 * loop early interrupts the turn and waits for its end (see `onBreak`).
 */
export class Turn<Output = unknown> implements AsyncIterable<TurnEvent>, AsyncDisposable {
  readonly threadId: string;
  readonly #format: OutputFormat | undefined;
  #output: Promise<unknown> | undefined;
  readonly #execution: TurnExecution;
  readonly #queue: EventQueue<TurnEvent | SubagentEvent>;
  readonly #subagents: Subagents;
  #consumer: "none" | "stream" | "everything" | "result" = "none";
  #dropped = false;
  /** Kept when the iteration stops at a turn that has gone silent. */
  readonly #text = new StreamedText();

  /** @internal Use `thread.turn()`. */
  constructor(connect: Connect, request: TurnRequest, format?: OutputFormat) {
    const { threadId, controls } = request;
    this.threadId = threadId;
    this.#format = format;
    this.#queue = new EventQueue(
      async () => {
        if (controls.onBreak !== "detach") await this.#execution.interruptAndWait();
      },
      eventBacklog("turn", controls.maxBacklogBytes),
    );
    this.#subagents = new Subagents(
      () => this.#execution.host,
      (event, origin) => {
        this.#execution.heard();
        if (this.#consumer !== "stream") this.#keep(new SubagentEvent(event, origin));
      },
    );
    this.#execution = new TurnExecution(connect, request, {
      connected: (host) => {
        this.#queue.countIn(host.backlogs);
      },
      event: (event) => {
        this.#keep(event);
        this.#subagents.observe(event, { threadId, depth: 0 });
      },
      stalled: (failure) => {
        // Whoever waits is told, and may come back; nobody else may take the place of one who reads on.
        if (this.#queue.interrupt(failure) > 0) this.#consumer = "none";
      },
      ended: (failure) => {
        this.#subagents.stop();
        if (failure) this.#queue.fail(failure());
        else this.#queue.end();
      },
    });
  }

  /** @internal How the routes see the turn. */
  get follower(): TurnFollower {
    return this.#execution.follower;
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
    const { state, host } = this.#execution;
    return { ...state, rateLimits: host?.rateLimits.current ?? null };
  }

  /** The same as `stream()`. */
  [Symbol.asyncIterator](): AsyncIteration<TurnEvent> {
    return this.stream();
  }

  /**
   * The turn's notifications from its very start. The iteration ends after `turn/completed`, whose
   * status tells how the turn went; it throws what kept the turn from getting there.
   *
   * Events that you read late wait. When there are more than 1,000, text deltas that go on with the
   * newest are merged with it: no text is lost, but one event brings the text of several. And of the
   * turn's diff, its plan, its usage and the patch of a file change only the newest waits, at its own
   * place, when there are more than 1,000 or they take more than 256 KiB. Above `maxBacklogBytes`, or the
   * client's `maxTotalBacklogBytes`, iterating throws a SlowConsumerError, while `run()` still gives the
   * result.
   *
   * With `subagents`, those of its sub-agents' turns come in between, and each event has an
   * `origin`. Without, a sub-agent's events never come.
   *
   * When nothing has come for `idleTimeoutMs`, a waiting iteration throws a TurnStalledError; iterate
   * again to go on where it stopped.
   *
   * @throws TurnStreamError when the turn is consumed already.
   */
  stream(options?: { subagents?: false | undefined }): AsyncIteration<TurnEvent>;
  stream(options: { subagents: true }): AsyncIteration<TurnEventWithOrigin>;
  stream(options: { subagents?: boolean | undefined } = {}): AsyncIteration<TurnEvent> {
    checkOptions("stream()", options, { subagents: true });
    const { subagents = false } = options;
    if (this.#consumer === "stream" || this.#consumer === "everything") {
      throw new TurnStreamError("This turn is already being iterated; a turn has one consumer.");
    }
    if (this.#dropped) {
      throw new TurnStreamError(
        "run() was called without iterating, so earlier events were not kept. Call stream() first.",
      );
    }
    this.#execution.heard();
    if (subagents) {
      this.#consumer = "everything";
      return mapIterator(this.#queue, (event) => this.#withOrigin(event));
    }
    this.#consumer = "stream";
    this.#queue.retain((event) => !(event instanceof SubagentEvent));
    return this.#queue as EventQueue<TurnEvent>;
  }

  /** The sub-agents that the turn has started so far, and theirs, each with its own turns. */
  subagents(): readonly Subagent[] {
    return this.#subagents.list();
  }

  /**
   * The assistant's text only, as it comes. Unlike `stream()`, where you see the outcome pass by,
   * it throws at the end of a turn that failed or missed its `outputSchema`, as `run()` does.
   */
  async *textStream(): AsyncGenerator<string, undefined> {
    for await (const event of this.stream()) {
      const text = this.#text.next(event);
      if (text !== undefined) yield text;
    }
    await this.run();
    return undefined;
  }

  /**
   * Waits for the end of the turn and collects its result. It may be called before, beside or
   * after iterating, and more than once.
   *
   * @throws TurnFailedError for a failed turn, unless `throwOnFailure` is false. An interrupted
   * turn has a result, with `status: "interrupted"`.
   * @throws OutputMismatchError when a completed turn's answer does not fit its `outputSchema`.
   * @throws TurnStalledError when nothing has come for `idleTimeoutMs`; call it again to go on waiting.
   * @throws TurnLostError when the turn is over and the server cannot tell how it ended.
   * @throws TransportClosedError, TurnTimeoutError, `signal.reason`, or why it could not start.
   */
  async run(options: RunOptions = {}): Promise<TurnResult<Output>> {
    checkRunOptions(options);
    if (this.#consumer === "none") this.#consumer = "result";
    await this.#execution.untilEnded();
    const { failure, state } = this.#execution;
    if (failure) throw failure();
    const result = toTurnResult(state);
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
   * Adds input to the running turn (`turn/steer`), waiting for it to run first. The server then
   * cuts the message that is being streamed, and asks the model again.
   *
   * @throws TurnNotActiveError when the turn has ended, or what kept it from starting.
   */
  async steer(input: TurnInput): Promise<void> {
    const items = normalizeInput(input);
    await checkLocalFiles(items);
    const { threadId } = this;
    const { id } = await this.started;
    await this.#execution.untilRunning();
    await this.#execution.host?.call("turn/steer", { threadId, expectedTurnId: id, input: items });
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

  /** Events are kept for a consumer that may still come, but not beside a lone `run()`. */
  #keep(event: TurnEvent | SubagentEvent): void {
    if (this.#consumer === "result") {
      this.#queue.clear();
      this.#dropped = true;
    } else {
      this.#queue.push(event);
    }
  }

  #withOrigin(event: TurnEvent | SubagentEvent): TurnEventWithOrigin {
    if (event instanceof SubagentEvent) return { ...event.event, origin: event.origin };
    const { threadId } = this;
    const origin = { threadId, turnId: this.id ?? "", parentThreadId: null, depth: 0 };
    return { ...event, origin };
  }
}
