import { onAbort } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { nothingToUndo, type Undo } from "../../async/undo.js";
import type { Turn } from "../../index.js";
import type { PartOptions } from "../../parts/part-options.js";
import { partsOf } from "../../parts/parts-of.js";
import type { PartOf } from "../../parts/turn-part.js";
import { CollectedParts } from "./collected-parts.js";
import { endOfTurn, type TurnEnd } from "./end-of-turn.js";
import type { HarnessAsks } from "./harness-asks.js";
import { HarnessParts } from "./harness-parts.js";
import type {
  HarnessContinueOptions,
  HarnessPromptControl,
  HarnessStateData,
  HarnessStreamPart,
} from "./harness-types.js";
import { StepMarks, type DroppedParts } from "./step-marks.js";
import { ToldParts, type ToldState } from "./told-parts.js";
import { TurnTeller } from "./turn-teller.js";

export interface HarnessTurnOptions {
  readonly turn: Turn;
  readonly asks: HarnessAsks;
  readonly modelId: string | undefined;
  readonly isCallersTool: (name: string) => boolean;
  /** Whether the text is the answer as the schema has it, at the end. */
  readonly holdsText: boolean;
  /** How long the host may take for an answer (ms). */
  readonly answerTimeoutMs: number;
  readonly show: PartOptions;
  /** What the host was told of the turn, in a process that is gone. */
  readonly told?: HarnessStateData["turn"] | undefined;
}

/** As long as one host reads the turn. */
interface Segment {
  readonly emit: (part: HarnessStreamPart) => void;
  readonly settle: (error?: { readonly reason: unknown }) => void;
}

/**
 * A turn of a session. A host reads it from `attach()` to the turn's end, or until it is suspended or another host reads
 * on. When the host is asked something, it may stop reading without a word; so nothing more is told until it has
 * answered, or has attached once more.
 */
export class HarnessTurn {
  /** Called when a host was told how it ended. */
  onOver: () => void = () => undefined;
  readonly turn: Turn;
  readonly #options: HarnessTurnOptions;
  readonly #parts: CollectedParts;
  readonly #told: ToldParts;
  readonly #harness: HarnessParts;
  readonly #asks: HarnessAsks;
  #segment: Segment | undefined;
  readonly #teller: TurnTeller;
  /** Has whoever waits for an answer look again. */
  #lookAgain: () => void = () => undefined;
  #unlink: Undo = nothingToUndo;
  #limit: Undo = nothingToUndo;
  #hasEnded = false;
  #isOver = false;
  readonly #steps = new StepMarks();
  /** What the last host was told and has dropped: whoever goes on is told it again. */
  #dropped: DroppedParts | undefined;
  /** How the turn ended, and what a host is still to be told of that. */
  #end: Promise<TurnEnd> | undefined;
  /** What a host had been told before that. */
  #toldBeforeEnd: ToldState | undefined;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(options: HarnessTurnOptions) {
    const { turn, asks, isCallersTool, holdsText, show, told } = options;
    this.turn = turn;
    this.#options = options;
    this.#asks = asks;
    this.#told = new ToldParts(told);
    const metadata = () => ({ codex: { threadId: turn.threadId, turnId: turn.id ?? null } });
    const steps = this.#steps;
    this.#harness = new HarnessParts({ told: this.#told, steps, holdsText, metadata });
    this.#teller = new TurnTeller({ asks, parts: this.#harness, told: this.#told, isCallersTool });
    this.#parts = new CollectedParts({
      parts: partsOf(turn, show),
      askOf: (part) => this.#teller.askOf(part),
      onOver: (id) => {
        asks.over(id);
      },
    });
    asks.onOver = ({ isTold }) => {
      // The host may have stopped reading there.
      if (isTold) steps.markAsked(this.#told.state);
      this.#wake();
    };
    // Also when nobody reads any more.
    void this.ended.then(() => {
      this.#hasEnded = true;
      this.#limit();
      this.#unlink();
      this.#asks.clear();
    });
  }

  /** Whether nothing more comes of the turn. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when nothing more comes of the turn. */
  get ended(): Promise<unknown> {
    return this.turn.run({ throwOnFailure: false }).catch(() => undefined);
  }

  /** Whether a host was told how it ended, as far as anybody knows. */
  get isOver(): boolean {
    return this.#stopped !== undefined || (this.#isOver && !this.#steps.mayHaveStopped);
  }

  /** Why it was stopped, before its end. */
  get stopped(): { readonly reason: unknown } | undefined {
    return this.#stopped;
  }

  /** What another process needs to go on with the turn. */
  get state(): HarnessStateData["turn"] {
    const { id } = this.turn;
    if (id === undefined) return undefined;
    return { id, ...(this.#dropped?.told ?? this.#toldBeforeEnd ?? this.#told.state) };
  }

  /** Lets a host read the turn, from where the last one was. */
  attach({ emit, abortSignal }: HarnessContinueOptions): HarnessPromptControl {
    this.release();
    const again = this.#dropped?.parts ?? [];
    this.#dropped = undefined;
    this.#harness.changeHost(again);
    const done = new Deferred<void>();
    void ignoreRejection(done.promise);
    const settle: Segment["settle"] = (error) => {
      if (error) done.reject(error.reason);
      else done.resolve();
    };
    const segment = { emit, settle };
    this.#segment = segment;
    this.#unlink();
    this.#unlink = onAbort(abortSignal, (reason) => {
      this.stop(reason);
    });
    const { modelId } = this.#options;
    emit({ type: "stream-start", ...(modelId === undefined ? {} : { modelId }) });
    // What the host was asked, and has not answered, it may have forgotten.
    const asks = this.#asks.told.flatMap(({ parts }) => parts);
    const asked = new Set(asks.map((part) => "toolCallId" in part && part.toolCallId));
    this.#emit(again.filter((part) => !("toolCallId" in part) || !asked.has(part.toolCallId)));
    this.#emit(asks);
    void this.#read(segment);
    return {
      done: done.promise,
      submitToolResult: (given) => {
        this.#answer(given.toolCallId, { type: "result", ...given });
        return Promise.resolve();
      },
      submitToolApproval: ({ approvalId, approved }) => {
        this.#answer(approvalId, { type: "approval", approved });
        return Promise.resolve();
      },
      submitUserMessage: async (text) => {
        await this.turn.steer(text);
      },
    };
  }

  /** Ends the reading, and leaves the turn as it is. */
  release(): void {
    this.#dropped = this.#steps.takeDropped() ?? this.#dropped;
    if (this.#dropped && !this.#stopped) this.#isOver = false;
    this.#segment?.settle();
    this.#segment = undefined;
    this.#unlink();
    this.#unlink = nothingToUndo;
    this.#limit();
    this.#asks.forgetHost();
    this.#wake();
  }

  /** Interrupts the turn; its reading ends with `reason`. */
  stop(reason: unknown): void {
    if (this.#stopped || this.#isOver) return;
    this.#stopped = { reason };
    this.#isOver = true;
    this.#limit();
    this.#unlink();
    // If that is not confirmed in time, the client goes on stopping it.
    void ignoreRejection(this.turn.interrupt());
    this.#parts.stop();
    this.#segment?.settle(this.#stopped);
    this.#segment = undefined;
    this.onOver();
    this.#wake();
  }

  #wake(): void {
    this.#parts.wake();
    this.#lookAgain();
  }

  #answer(id: string, answer: Parameters<HarnessAsks["answer"]>[1]): void {
    const ask = this.#asks.answer(id, answer);
    // The host has ended its step when it began to wait.
    if (ask?.isOld !== false) this.#harness.endStep();
    this.#wake();
  }

  async #read(segment: Segment): Promise<void> {
    try {
      while (this.#segment === segment) {
        if (this.#end) {
          await this.#tellEnd(this.#end, segment);
          return;
        }
        if (this.#asks.isHeld) {
          await this.#untilAnswered(segment);
          continue;
        }
        this.#emit(this.#asks.takeResults(this.#harness));
        const part = await this.#parts.next(() => this.#segment === segment);
        if (part === undefined) continue;
        if (!("type" in part)) {
          this.#emit(this.#teller.calls(part));
          continue;
        }
        if (part.type === "end" && !part.origin) {
          this.#cameToEnd(part);
          continue;
        }
        if (part.type !== "request") {
          this.#emit(this.#teller.part(part));
          continue;
        }
        // Meanwhile another host may read; what nobody reads, the next one is asked.
        this.#emit(await this.#teller.request(part));
      }
    } catch (error) {
      // Nobody would answer what it asks.
      if (!this.#hasEnded) void ignoreRejection(this.turn.interrupt());
      this.#end = Promise.resolve({ parts: [], failure: { reason: error } });
      await this.#tellEnd(this.#end, segment);
    }
  }

  #emit(parts: readonly HarnessStreamPart[]): void {
    for (const part of parts) this.#tell(part);
  }

  #tell(part: HarnessStreamPart): void {
    if (!this.#segment) return;
    this.#steps.add(part);
    this.#segment.emit(part);
  }

  async #untilAnswered(segment: Segment): Promise<void> {
    const late = (): void => {
      this.stop(new Error("The host has not answered in time."));
    };
    // A process that has nothing else to do may end.
    const limit = onDeadline(this.#options.answerTimeoutMs, late, { unref: true });
    this.#limit = limit;
    await new Promise<void>((resolve) => {
      this.#lookAgain = () => {
        if (!this.#asks.isHeld || this.#segment !== segment) resolve();
      };
      this.#lookAgain();
    });
    // By now another host may wait, with a limit of its own.
    limit();
  }

  #cameToEnd(part: PartOf<"end">): void {
    this.#emit(this.#asks.takeResults(this.#harness));
    this.#toldBeforeEnd = this.#told.state;
    const { turn } = this;
    const { holdsText } = this.#options;
    this.#end = endOfTurn(part, { turn, harness: this.#harness, holdsText });
  }

  async #tellEnd(end: Promise<TurnEnd>, segment: Segment): Promise<void> {
    const { parts, failure } = await end;
    if (this.#segment !== segment) return;
    this.#emit(parts);
    this.#toldBeforeEnd = undefined;
    // If the host drops these parts, they come again as such.
    this.#end = Promise.resolve(failure ? { parts: [], failure } : { parts: [] });
    this.#isOver = true;
    this.#segment = undefined;
    this.#unlink();
    segment.settle(failure);
    if (this.isOver) this.onOver();
  }
}
