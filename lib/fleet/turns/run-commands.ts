import { orAborted } from "../../async/abort.js";
import { pause } from "../../async/timers.js";
import { isAppServerError, TurnUnknownError, type Turn } from "../../index.js";
import type { CommandOutcome, FleetStore, SentCommand } from "../store/fleet-store.js";
import { HandedOverError } from "./handed-over-error.js";
import type { HeldAnswers } from "./held-answers.js";

/** How long the store is asked to wait for commands, each time (ms). */
const waitMs = 10_000;
const retryMs = 500;
/** How long it is remembered that input may have been sent (ms): no turn takes so long. */
const steerMarkMs = 7 * 24 * 3_600_000;

export interface RunCommandsOptions {
  readonly store: FleetStore;
  readonly jobId: string;
  readonly turn: Turn;
  readonly answers: HeldAnswers;
  /** Whether the viewers of the turn were shown this request. */
  readonly wasAsked: (key: string) => boolean;
  /** This worker, in this attempt. */
  readonly holder: string;
  readonly signal: AbortSignal;
  readonly failed: (error: unknown) => void;
}

/** Carries out what people want of a running turn, from whatever machine they send it. */
export class RunCommands {
  readonly #options: RunCommandsOptions;
  readonly #over = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #loop: Promise<void>;
  /** Whether somebody has asked to stop the turn. */
  #isInterrupted = false;

  constructor(options: RunCommandsOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", this.#end, { once: true });
    this.#loop = this.#follow();
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Takes no more commands, and resolves when those that were taken are settled. Never rejects. */
  async close(): Promise<void> {
    this.#options.signal.removeEventListener("abort", this.#end);
    this.#end();
    await this.#loop;
    await Promise.all(this.#running);
  }

  readonly #end = (): void => {
    this.#over.abort();
  };

  async #follow(): Promise<void> {
    const { store, jobId, failed } = this.#options;
    const { signal } = this.#over;
    let after = 0;
    while (!this.#isOver()) {
      try {
        for (const sent of await store.commands(jobId, after, { waitMs, signal })) {
          if (this.#isOver()) return;
          after = sent.seq;
          const running = this.#carryOut(sent).catch(failed);
          this.#running.add(running);
          void running.then(() => this.#running.delete(running));
        }
      } catch (error) {
        if (this.#isOver()) return;
        failed(error);
        await pause(retryMs, signal).catch(() => undefined);
      }
    }
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  async #carryOut(sent: SentCommand): Promise<void> {
    const { store, jobId, signal } = this.#options;
    if (sent.command.type === "interrupt") this.#isInterrupted = true;
    const outcome = await this.#outcomeOf(sent);
    // What was handed over is for the next worker to settle.
    if (outcome && !signal.aborted) await store.settle(jobId, sent.seq, outcome);
  }

  async #outcomeOf(sent: SentCommand): Promise<CommandOutcome | undefined> {
    try {
      await this.#do(sent);
      return { ok: true };
    } catch (error) {
      // Whoever follows the turn next finds it, be that this attempt itself once the server is back.
      if (this.#options.signal.aborted || error instanceof HandedOverError) return undefined;
      return refusalOf(error);
    }
  }

  async #do({ seq, command }: SentCommand): Promise<void> {
    const { turn, answers, wasAsked } = this.#options;
    switch (command.type) {
      case "interrupt":
        await turn.interrupt();
        return;
      case "steer":
        await this.#beginOnce(seq);
        await turn.steer(command.input);
        return;
      case "answer":
        if (answers.knows(command.key) || !wasAsked(command.key)) {
          answers.answer(command.key, command.answer);
          return;
        }
        await answers.answerWhenAsked(command.key, command.answer, this.#over.signal);
    }
  }

  /** Input that another worker may have sent is not sent again. */
  async #beginOnce(seq: number): Promise<void> {
    const { store, jobId, holder, turn } = this.#options;
    const id = `${jobId}/steer-${seq}`;
    const mark = await store.mark(id, { holder, threadId: turn.threadId, messageId: id });
    await store.forgetJob(id, steerMarkMs);
    if (mark.holder !== holder) throw new TurnUnknownError(jobId);
  }
}

export function refusalOf(error: unknown): CommandOutcome {
  if (isAppServerError(error)) return { ok: false, code: error.code, message: error.message };
  return { ok: false, code: error instanceof Error ? error.name : "Error", message: "" };
}

/** The number of the newest interruption that nobody has settled; undefined when there is none. */
export async function interruptionOf(
  store: FleetStore,
  jobId: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const sent = await orAborted(store.commands(jobId, 0, { waitMs: 0, signal }), signal);
  return sent.findLast(({ command }) => command.type === "interrupt")?.seq;
}
