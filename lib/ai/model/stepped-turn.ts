import { onAbort } from "../../async/abort.js";
import type { AsyncIteration } from "../../async/async-iteration.js";
import { onDeadline } from "../../async/deadline.js";
import { ignoreRejection } from "../../async/deferred.js";
import { isAppServerError } from "../../errors/base.js";
import { nothingToUndo, type Undo } from "../../async/undo.js";
import type { ToolContext, ToolOutput, Turn } from "../../index.js";
import type { PartOptions } from "../../parts/part-options.js";
import type { TokenCounts } from "../../parts/part-types.js";
import { partsOf } from "../../parts/parts-of.js";
import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import { droppedParts } from "./dropped-parts.js";
import { ModelParts } from "./model-parts.js";
import type { ModelFinishReason, ModelStreamPart } from "./model-types.js";
import { OpenCalls } from "./open-calls.js";
import { noTokens, usageSince } from "./token-usage.js";
import type { ToolAnswer } from "./tool-answer.js";

export interface SteppedTurnOptions {
  readonly turn: Turn;
  readonly modelId: string;
  readonly isCallersTool: (name: string) => boolean;
  /** Whether the text is the answer as the schema has it, at the end. */
  readonly holdsText: boolean;
  /** How long the turn waits for the results of the caller's tools (ms). */
  readonly toolResultTimeoutMs: number;
  readonly show: PartOptions;
}

/**
 * A turn in the steps of the AI SDK. A step ends when the turn does, or when the model has called tools of the
 * caller: then the turn waits until `answer()` brings their results, and another step follows.
 */
export class SteppedTurn {
  readonly turn: Turn;
  readonly #options: SteppedTurnOptions;
  readonly #parts: AsyncIteration<TurnPart>;
  readonly #modelParts: ModelParts;
  readonly #calls: OpenCalls;
  /** A part that is awaited, maybe since the last step. */
  #reading: Promise<IteratorResult<TurnPart, undefined>> | undefined;
  #wake: () => void = () => undefined;
  #unlink: Undo = nothingToUndo;
  #stopped: { readonly reason: unknown } | undefined;
  /** Ends the wait for results; undefined while the turn waits for none. */
  #limit: Undo | undefined;
  #usage: TokenCounts | undefined;
  #toldUsage = noTokens;

  constructor(options: SteppedTurnOptions) {
    const { turn, isCallersTool, holdsText, show } = options;
    this.turn = turn;
    this.#options = options;
    this.#parts = partsOf(turn, show);
    this.#modelParts = new ModelParts(isCallersTool, holdsText);
    this.#calls = new OpenCalls(() => {
      this.#wake();
    });
    // Also when no step is read any more.
    turn.run({ throwOnFailure: false }).then(this.#over, this.#over);
  }

  /** Resolves when nothing more comes of the turn. */
  get ended(): Promise<unknown> {
    return this.turn.run({ throwOnFailure: false }).catch(() => undefined);
  }

  /** Whether the turn waits for results of the caller's tools. */
  get isWaiting(): boolean {
    return this.#limit !== undefined;
  }

  /** Whether it waits for the result of this call. */
  waitsFor(toolCallId: string): boolean {
    return this.isWaiting && this.#calls.has(toolCallId);
  }

  /** Carries out a call of the model: waits for its result. */
  call(name: string, input: unknown, context: ToolContext): Promise<ToolOutput> {
    return this.#calls.add(name, input, context);
  }

  /** Lets the turn go on with the results of the calls that the last step has told. */
  answer(answers: readonly ToolAnswer[]): void {
    this.#endWait();
    this.#calls.answer(answers);
  }

  /** Interrupts the turn; a step that is read ends with `reason`. */
  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = { reason };
    this.#endWait();
    this.#calls.end();
    this.#unlink();
    // Which interrupts the turn. If that is not confirmed in time, the client goes on stopping it.
    this.#parts.return?.().catch(() => undefined);
    this.#wake();
  }

  /** Stops the turn when the signal aborts: that of a step counts until the next one, also while the turn waits. */
  follow(signal: AbortSignal | undefined): void {
    this.#unlink();
    this.#unlink = onAbort(signal, (reason) => {
      this.stop(reason);
    });
  }

  async *step(): AsyncGenerator<ModelStreamPart, void> {
    const { modelId, turn } = this.#options;
    const { id } = await turn.started;
    yield { type: "response-metadata", id, modelId, timestamp: new Date() };
    for (;;) {
      const part = await this.#next();
      if (part === "calls") {
        const calls = this.#calls.tell();
        // Those that came may be over, with the turn.
        if (calls.length === 0) continue;
        yield* this.#modelParts.pause();
        yield* calls;
        this.#beginWait();
        yield this.#finish({ unified: "tool-calls", raw: "tool-calls" });
        return;
      }
      if (part.type === "usage" && !part.origin) this.#usage = part.turn;
      if (part.type === "end" && !part.origin) {
        const dropped = droppedParts(part);
        if (dropped) {
          // Nobody would answer what it asks. To leave its parts would not stop it: they are over.
          void ignoreRejection(this.turn.interrupt());
          throw dropped;
        }
        yield* this.#end(part);
        return;
      }
      yield* this.#modelParts.next(part);
    }
  }

  async #next(): Promise<TurnPart | "calls"> {
    this.#reading ??= this.#parts.next();
    const reading = this.#reading;
    const step = await new Promise<IteratorResult<TurnPart, undefined> | undefined>(
      (resolve, reject) => {
        const wake = (): void => {
          if (this.#stopped || this.#calls.isDue) resolve(undefined);
        };
        this.#wake = wake;
        wake();
        reading.then(resolve, reject);
      },
    );
    if (this.#stopped) throw this.#stopped.reason;
    if (!step) return "calls";
    this.#reading = undefined;
    if (step.done === true) throw new Error("The turn has ended before its end was told.");
    return step.value;
  }

  async *#end({
    status,
    usage,
    finalResponse,
  }: PartOf<"end">): AsyncGenerator<ModelStreamPart, void> {
    this.#usage = usage ?? this.#usage;
    yield* this.#modelParts.pause();
    try {
      const { output } = await this.turn.run();
      if (status !== "interrupted") yield* this.#heldText(output ?? finalResponse);
      const unified = status === "completed" ? "stop" : "other";
      yield this.#finish({ unified, raw: status });
    } catch (error) {
      if (isAppServerError(error) && error.code === "OUTPUT_MISMATCH") {
        // `ai` compares the answer with the schema itself, and has an error of its own.
        yield* this.#heldText(finalResponse);
        yield this.#finish({ unified: "stop", raw: status });
        return;
      }
      yield { type: "error", error };
      const reason: unknown =
        Reflect.get(Object(error), "reason") ?? Reflect.get(Object(error), "code");
      yield this.#finish({ unified: "error", raw: typeof reason === "string" ? reason : status });
    }
  }

  *#heldText(output: unknown): Generator<ModelStreamPart, void> {
    if (!this.#options.holdsText || output === undefined || output === null) return;
    const id = "answer";
    const delta = typeof output === "string" ? output : JSON.stringify(output);
    yield { type: "text-start", id };
    yield { type: "text-delta", id, delta };
    yield { type: "text-end", id };
  }

  #finish(finishReason: ModelFinishReason): ModelStreamPart {
    const usage = usageSince(this.#toldUsage, this.#usage);
    this.#toldUsage = this.#usage ?? this.#toldUsage;
    const { threadId, id = null } = this.turn;
    const providerMetadata = { codex: { threadId, turnId: id } };
    return { type: "finish", finishReason, usage, providerMetadata };
  }

  #beginWait(): void {
    const late = (): void => {
      this.stop(new Error("The results of the tools did not come in time."));
    };
    // A process that has nothing else to do may end.
    this.#limit = onDeadline(this.#options.toolResultTimeoutMs, late, { unref: true });
  }

  #endWait(): void {
    this.#limit?.();
    this.#limit = undefined;
  }

  readonly #over = (): void => {
    this.#endWait();
    this.#calls.end();
    this.#unlink();
  };
}
