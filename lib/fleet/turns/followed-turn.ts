import { performance } from "node:perf_hooks";
import { onAbort, orAborted } from "../../async/abort.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { ignoreRejection } from "../../async/deferred.js";
import { pause } from "../../async/timers.js";
import { TurnUnknownError, type Turn, type TurnResult } from "../../index.js";
import { continueParts } from "../../parts/continue-parts.js";
import { partsOf } from "../../parts/parts-of.js";
import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import type { SendingMark } from "../store/fleet-store.js";
import type { Attempt } from "./attempt.js";
import { HandedOverError } from "./handed-over-error.js";
import { endPartOf, outcomeOfError, outcomeOfResult, type JobOutcome } from "./job-outcome.js";
import type { JobTurn } from "./job-turn.js";
import { readLog } from "./read-log.js";
import { PartWriter } from "./part-writer.js";
import { RunCommands } from "./run-commands.js";
import { codeOf, isCutOff, isServerLoss, neverBegan } from "./server-loss.js";

/** Between two looks whether a server is back (ms). */
const firstLookMs = 250;
const longestLookMs = 5_000;

/** The turn was sent, and its server has proved that it did not begin. Never leaves the worker. */
export class NeverBeganError extends Error {
  constructor(cause: unknown) {
    super("The turn never began.", { cause });
    this.name = new.target.name;
  }
}

const cutOff = "The turn was cut off: its server ended while it ran. It is not begun again.";
const forgotten =
  "The turn was cut off: its server ended soon after it had begun it, and has stored nothing of it. It is not begun again.";

/** What looking for a turn rejects with that the server has not stored. */
const notFoundCodes: ReadonlySet<string> = new Set(["TURN_NOT_FOUND", "THREAD_NOT_FOUND"]);

interface Followed {
  readonly ending: PartOf<"end"> | undefined;
  readonly result?: TurnResult | undefined;
  readonly error?: unknown;
}

/** A turn that was sent, until it is over: shown to its viewers, and to be answered, steered and stopped. */
export class FollowedTurn {
  readonly #attempt: Attempt;
  readonly #turn: JobTurn;
  readonly #mark: SendingMark;
  /** What viewers were asked. */
  readonly #asked = new Set<string>();
  #isInterrupted = false;
  /** Whether the server has named the turn, so that it surely began. */
  #hasBegun = false;

  constructor(attempt: Attempt, turn: JobTurn, mark: SendingMark) {
    this.#attempt = attempt;
    this.#turn = turn;
    this.#mark = mark;
  }

  /**
   * Follows a turn of this worker to its end.
   *
   * @throws NeverBeganError; HandedOverError.
   */
  async ofOwn(turn: Turn): Promise<JobOutcome> {
    return this.#toEnd(turn, false);
  }

  /** Looks for the turn of another worker, and follows it to its end. @throws HandedOverError */
  async ofOther(): Promise<JobOutcome> {
    return this.#toEnd(this.#turn.attach(this.#mark), true);
  }

  async #toEnd(first: Turn, isTakenOver: boolean): Promise<JobOutcome> {
    const { context, gone, id: jobId } = this.#attempt;
    let turn = first;
    let firstLoss: { readonly error: unknown; readonly at: number } | undefined;
    for (let pauseMs = firstLookMs; ; pauseMs = Math.min(2 * pauseMs, longestLookMs)) {
      const isFirst = turn === first;
      const { ending, result, error } = await this.#once(turn, isTakenOver || !isFirst);
      if (result) return this.#ended(result, ending, firstLoss?.error);
      if (isFirst && !isTakenOver && !this.#hasBegun && neverBegan(error)) {
        throw new NeverBeganError(error);
      }
      if (notFoundCodes.has(codeOf(error) ?? "")) {
        if (!this.#hasBegun) return this.#failed(new TurnUnknownError(jobId), ending);
        return this.#lost(forgotten, firstLoss?.error, ending);
      }
      if (!isServerLoss(error)) return this.#failed(error, ending);
      firstLoss ??= { error, at: performance.now() };
      if (performance.now() - firstLoss.at > context.settings.serverBackMs) {
        const reason = this.#hasBegun ? firstLoss.error : new TurnUnknownError(jobId);
        return this.#failed(reason, ending);
      }
      await pause(pauseMs, gone).catch(() => {
        throw new HandedOverError();
      });
      turn = this.#turn.attach(this.#mark);
    }
  }

  async #ended(
    result: TurnResult,
    ending: PartOf<"end"> | undefined,
    loss: unknown,
  ): Promise<JobOutcome> {
    const isLost = isCutOff(result) && !this.#isInterrupted;
    if (!isLost) {
      await this.#write(ending);
      return outcomeOfResult(result);
    }
    return this.#lost(cutOff, loss, ending, result);
  }

  /** The turn began, and its server has ended before it did. */
  async #lost(
    message: string,
    loss: unknown,
    ending: PartOf<"end"> | undefined,
    result?: TurnResult,
  ): Promise<JobOutcome> {
    const code = codeOf(loss) ?? "TURN_LOST";
    const outcome = { type: "failed", code, message, result, sent: true } as const;
    await this.#write(endPartOf(outcome, ending));
    return outcome;
  }

  async #failed(error: unknown, ending: PartOf<"end"> | undefined): Promise<JobOutcome> {
    const outcome = outcomeOfError(error, true);
    await this.#write(endPartOf(outcome, ending));
    return outcome;
  }

  /** Follows one handle to its end. What it says is written, but for its end, which may not be the last word. */
  async #once(turn: Turn, isContinued: boolean): Promise<Followed> {
    const { context, id: jobId, streams, answers, lease, gone } = this.#attempt;
    const { store, settings } = context;
    const log = isContinued ? await readLog(streams, jobId, gone) : { parts: [], last: 0 };
    const shown = partsOf(turn, settings.parts);
    const parts = isContinued ? continueParts(log.parts, shown) : shown;
    for (const part of log.parts) this.#note(part);
    const writer = this.#writer(log.last);
    const named = turn.started.then(async ({ id }) => {
      this.#hasBegun = true;
      await this.#began(id);
    });
    void ignoreRejection(named);
    const commands = new RunCommands({
      store,
      jobId,
      turn,
      answers,
      wasAsked: (key) => this.#asked.has(key),
      holder: lease.holder,
      signal: gone,
      failed: settings.onError,
    });
    try {
      using _link = onAbort(gone, () => {
        // Leaving an attached turn, or one that was begun so, leaves it running.
        void parts.return?.().catch(() => undefined);
      });
      const result = ignoreRejection(turn.run({ throwOnFailure: false }));
      const ending = await orGone(this.#pump(parts, writer), gone);
      await orGone(writer.flush(), gone);
      const followed = await orGone(
        result.then(
          (value): Followed => ({ ending, result: value }),
          (error: unknown): Followed => ({ ending, error }),
        ),
        gone,
      );
      if (followed.result) await orGone(named, gone);
      return followed;
    } finally {
      this.#isInterrupted ||= commands.isInterrupted;
      await commands.close();
    }
  }

  /** The server has named the turn. */
  async #began(turnId: string): Promise<void> {
    const { id, context } = this.#attempt;
    const { threadId } = this.#mark;
    await this.#attempt.persist(() => context.store.note(id, "thread", { threadId, turnId }));
  }

  async #pump(
    parts: AsyncIteration<TurnPart>,
    writer: PartWriter,
  ): Promise<PartOf<"end"> | undefined> {
    let ending: PartOf<"end"> | undefined;
    for await (const part of parts) {
      this.#note(part);
      if (part.type === "end" && !part.origin) ending = part;
      else await writer.add(part);
    }
    return ending;
  }

  #note(part: TurnPart): void {
    if (part.type === "request") this.#asked.add(part.key);
    if (part.type === "request-end") this.#attempt.answers.end(part.key);
    if (part.type === "start" && !part.origin) this.#hasBegun = true;
  }

  #writer(last: number): PartWriter {
    const { context, id, streams, gone } = this.#attempt;
    const { batchMs, onError } = context.settings;
    return new PartWriter({
      store: streams,
      id,
      last,
      batchMs,
      signal: gone,
      failed: onError,
    });
  }

  /** Writes the last part. */
  async #write(part: TurnPart | undefined): Promise<void> {
    if (!part) return;
    const { streams, id, gone } = this.#attempt;
    const { last } = await readLog(streams, id, gone);
    const writer = this.#writer(last);
    await writer.add(part);
    await orGone(writer.flush(), gone);
  }
}

async function orGone<T>(promise: Promise<T>, gone: AbortSignal): Promise<T> {
  try {
    return await orAborted(promise, gone);
  } catch (error) {
    throw gone.aborted ? new HandedOverError() : error;
  }
}
