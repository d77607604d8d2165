import { onAbort } from "../../async/abort.js";
import { onDeadline } from "../../async/deadline.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { nothingToUndo, type Undo } from "../../async/undo.js";
import type { Turn } from "../../index.js";
import type { PartOptions } from "../../parts/part-options.js";
import { partsOf } from "../../parts/parts-of.js";
import type { PartOf } from "../../parts/turn-part.js";
import { droppedParts } from "../model/dropped-parts.js";
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
import { HostReading, saysNothing } from "./host-reading.js";
import { ToldParts } from "./told-parts.js";
import { TurnTeller } from "./turn-teller.js";

export interface HarnessTurnOptions {
  readonly turn: Turn;
  readonly asks: HarnessAsks;
  readonly modelId?: string | undefined;
  /** Whether the text is the answer as the schema has it, at the end. */
  readonly holdsText: boolean;
  /** How long the host may take for an answer (ms). */
  readonly answerTimeoutMs: number;
  readonly show: PartOptions;
  /** What hosts have read of the turn, in a process that is gone. */
  readonly told?: HarnessStateData["turn"] | undefined;
  /** What the first host is told before anything else. */
  readonly first?: readonly HarnessStreamPart[] | undefined;
}

/**
 * A turn of a session. A host reads it from `attach()` to the turn's end, or until it is suspended or another host reads
 * on. When the host is asked something, it may stop reading without a word; so nothing more is told until it has
 * answered, or has attached once more.
 */
export class HarnessTurn {
  readonly turn: Turn;
  readonly asks: HarnessAsks;
  readonly #options: HarnessTurnOptions;
  readonly #parts: CollectedParts;
  readonly #told: ToldParts;
  readonly #harnessParts: HarnessParts;
  readonly #teller: TurnTeller;
  /** The host that reads, or has read last. */
  #host: HostReading | undefined;
  /** Has whoever waits for an answer look again. */
  #lookAgain: () => void = () => undefined;
  #unlink: Undo = nothingToUndo;
  #limit: Undo = nothingToUndo;
  #hasEnded = false;
  /** How the turn ended, and what a host is still to be told of that. */
  #end: Promise<TurnEnd> | undefined;
  /** Whether the host was given all of that. */
  #isEndGiven = false;
  readonly #over = new Deferred<void>();
  #isOver = false;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(options: HarnessTurnOptions) {
    const { turn, asks, holdsText, show, told } = options;
    this.turn = turn;
    this.asks = asks;
    this.#options = options;
    this.#told = new ToldParts(told);
    const metadata = () => ({ codex: { threadId: turn.threadId, turnId: turn.id ?? null } });
    this.#harnessParts = new HarnessParts({ told: this.#told, holdsText, metadata });
    this.#teller = new TurnTeller(asks, this.#harnessParts);
    this.#parts = new CollectedParts(partsOf(turn, show), asks);
    asks.onOver = () => {
      this.#wake();
    };
    // Also when nobody reads any more.
    void this.ended.then(() => {
      this.#hasEnded = true;
      this.#limit();
      this.#unlink();
      asks.clear();
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

  /** Whether a host has read how it ended, or it was stopped. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when it is over. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Why it was stopped, before its end. */
  get stopped(): { readonly reason: unknown } | undefined {
    return this.#stopped;
  }

  /** What another process needs to go on with the turn: how far hosts have read it by now. */
  get state(): HarnessStateData["turn"] {
    const { id } = this.turn;
    return id === undefined ? undefined : { id, ...this.#told.state };
  }

  /** Lets a host read the turn, from where the last one has stopped. */
  attach({ emit, abortSignal }: HarnessContinueOptions): HarnessPromptControl {
    this.release();
    const unread = this.#host ? this.#host.takeUnread() : (this.#options.first ?? []);
    const again = this.asks.leftOf(unread);
    const host = new HostReading({
      emit,
      onRead: (part) => {
        this.#told.read(part);
        this.#checkOver();
      },
    });
    this.#host = host;
    this.#isEndGiven = false;
    this.#unlink = onAbort(abortSignal, (reason) => {
      this.stop(reason);
    });
    const { modelId } = this.#options;
    host.give({ type: "stream-start", ...(modelId === undefined ? {} : { modelId }) });
    this.#harnessParts.changeHost(again);
    this.#give([...this.#told.begun, ...again]);
    // What an earlier host was asked, and has not answered, it may have forgotten.
    this.#give(this.asks.old.flatMap((ask) => this.#teller.ask(ask)));
    void this.#read(host);
    return {
      done: host.done,
      submitToolResult: (given) => {
        this.#answer(given.toolCallId, { type: "result", ...given });
        return Promise.resolve();
      },
      submitToolApproval: async ({ approvalId, approved, reason = "" }) => {
        if (!approved && reason.trim() !== "") await this.#sayWhy(reason);
        this.#answer(approvalId, { type: "approval", approved });
      },
      submitUserMessage: async (text) => {
        await this.turn.steer(text);
      },
    };
  }

  /** Gives the host no more, and leaves the turn as it is. */
  release(): void {
    this.#host?.end();
    this.#unlink();
    this.#unlink = nothingToUndo;
    this.#limit();
    this.asks.forgetHost();
    this.#wake();
  }

  /** Interrupts the turn; its reading ends with `reason`. */
  stop(reason: unknown): void {
    if (this.#isOver) return;
    this.#stopped = { reason };
    this.#limit();
    this.#unlink();
    // If that is not confirmed in time, the client goes on stopping it.
    void ignoreRejection(this.turn.interrupt());
    this.#parts.stop();
    this.#host?.end(this.#stopped);
    this.#beOver();
    this.#wake();
  }

  #beOver(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  #checkOver(): void {
    if (this.#isEndGiven && this.#host?.hasReadAll === true) this.#beOver();
  }

  #wake(): void {
    this.#parts.wake();
    this.#lookAgain();
  }

  #answer(id: string, answer: Parameters<HarnessAsks["answer"]>[1]): void {
    const ask = this.asks.answer(id, answer);
    // The host has ended its step when it began to wait.
    if (ask?.isOld !== false) this.#harnessParts.endStep();
    this.#wake();
  }

  /** The server takes no reason with a refusal. A message that it has before the refusal, the model reads with it. */
  async #sayWhy(reason: string): Promise<void> {
    // What cannot be told is refused all the same.
    await this.turn.steer(`I have declined this call: ${reason}`).catch(() => undefined);
  }

  async #read(host: HostReading): Promise<void> {
    try {
      while (host.isOpen) {
        if (this.#end) {
          await this.#giveEnd(this.#end, host);
          return;
        }
        if (this.asks.isHeld) {
          await this.#untilAnswered(host);
          continue;
        }
        this.#give(this.asks.takeResults(this.#harnessParts));
        const part = await this.#parts.next(host);
        if (part === undefined) continue;
        if (!("type" in part)) {
          this.#give(this.#teller.calls(part));
          continue;
        }
        if (part.type === "end" && !part.origin) {
          this.#cameToEnd(part);
          continue;
        }
        if (part.type !== "request") {
          this.#give(this.#teller.part(part));
          continue;
        }
        // Meanwhile another host may read; what nobody reads, the next one is asked.
        this.#give(await this.#teller.request(part));
      }
    } catch (error) {
      // Nobody would answer what it asks.
      if (!this.#hasEnded) void ignoreRejection(this.turn.interrupt());
      this.#end = Promise.resolve({ parts: [], failure: { reason: error } });
      await this.#giveEnd(this.#end, host);
    }
  }

  #give(parts: readonly HarnessStreamPart[]): void {
    for (const part of parts) this.#host?.give(part);
  }

  async #untilAnswered(host: HostReading): Promise<void> {
    const late = (): void => {
      this.stop(new Error("The host has not answered in time."));
    };
    // A process that has nothing else to do may end.
    const limit = onDeadline(this.#options.answerTimeoutMs, late, { unref: true });
    this.#limit = limit;
    await new Promise<void>((resolve) => {
      this.#lookAgain = () => {
        if (!this.asks.isHeld || !host.isOpen) resolve();
      };
      this.#lookAgain();
    });
    // By now another host may wait, with a limit of its own.
    limit();
  }

  /** @throws SlowConsumerError */
  #cameToEnd(part: PartOf<"end">): void {
    const dropped = droppedParts(part);
    if (dropped) throw dropped;
    this.#give(this.asks.takeResults(this.#harnessParts));
    const { turn } = this;
    const { holdsText } = this.#options;
    this.#end = endOfTurn(part, { turn, parts: this.#harnessParts, holdsText });
  }

  async #giveEnd(end: Promise<TurnEnd>, host: HostReading): Promise<void> {
    const { parts, failure } = await end;
    if (!host.isOpen) return;
    // Parts that the host does not read come again as such.
    this.#end = Promise.resolve({ parts: [], ...(failure ? { failure } : {}) });
    this.#give(failure ? [...parts, saysNothing()] : parts);
    this.#isEndGiven = true;
    this.#unlink();
    host.end(failure);
    this.#checkOver();
  }
}
