import { throwIfAborted } from "../../async/abort.js";
import { ignoreRejection } from "../../async/deferred.js";
import type { Turn, TurnOptions } from "../../index.js";
import type { PartVisibility } from "../../parts/part-options.js";
import { hasOptional } from "../model/has-optional.js";
import { compactThread, type Compaction } from "./compact-thread.js";
import { HarnessAsks } from "./harness-asks.js";
import type { HarnessPermissions } from "./harness-permissions.js";
import { harnessInput } from "./harness-prompt.js";
import { continueState, resumeState } from "./harness-state.js";
import type { HarnessThread } from "./harness-thread.js";
import { HarnessTurn } from "./harness-turn.js";
import type { HarnessTurns } from "./harness-turns.js";
import type {
  CodexHarnessSession,
  HarnessContinueOptions,
  HarnessContinueState,
  HarnessPromptControl,
  HarnessPromptOptions,
  HarnessResumeState,
  HarnessStateData,
} from "./harness-types.js";
import { unsupported } from "./unsupported.js";

export interface SessionOptions {
  readonly sessionId: string;
  readonly isResume: boolean;
  readonly thread: HarnessThread;
  readonly permissions: HarnessPermissions;
  readonly turns: HarnessTurns;
  readonly show: PartVisibility | undefined;
  readonly answerTimeoutMs: number;
  /** A turn to go on with. */
  readonly unfinished: HarnessStateData["turn"];
  /** What the next turn is to tell. */
  readonly compactions: HarnessStateData["compactions"];
}

/** One thread of Codex, as `HarnessAgent` drives it. */
export class HarnessSession implements CodexHarnessSession {
  readonly sessionId: string;
  readonly isResume: boolean;
  readonly #options: SessionOptions;
  readonly #thread: HarnessThread;
  #turn: HarnessTurn | undefined;
  /** A turn of another process, until somebody goes on with it. */
  #unfinished: HarnessStateData["turn"];
  #compactions: Compaction[];
  /** Settles when a prompt has its turn. */
  #beginning: Promise<unknown> = Promise.resolve();
  #isDestroyed = false;

  constructor(options: SessionOptions) {
    this.sessionId = options.sessionId;
    this.isResume = options.isResume;
    this.#options = options;
    this.#thread = options.thread;
    this.#unfinished = options.unfinished;
    this.#compactions = [...(options.compactions ?? [])];
  }

  async doPromptTurn(options: HarnessPromptOptions): Promise<HarnessPromptControl> {
    this.#turn = undefined;
    const beginning = this.#begin(options);
    this.#beginning = ignoreRejection(beginning);
    const { control, turn } = await beginning;
    await turn.started.catch((error: unknown) => {
      throwIfAborted(options.abortSignal);
      throw error;
    });
    return control;
  }

  async doContinueTurn(options: HarnessContinueOptions): Promise<HarnessPromptControl> {
    // Nobody was there to be told.
    if (this.#turn?.stopped) throw this.#turn.stopped.reason;
    const told = this.#unfinished;
    const { threadId } = this.#thread.state;
    const known = this.#turn ?? this.#options.turns.find(threadId, told?.id);
    if (known && !known.isOver) {
      this.#turn = known;
      this.#unfinished = undefined;
      return known.attach(options);
    }
    const thread = this.#thread.handleFor(options);
    if (told === undefined || !thread) {
      throw unsupported("state", "has no turn to go on with; begin one with a prompt");
    }
    this.#unfinished = undefined;
    const asks = new HarnessAsks(this.#options.permissions, options.tools);
    const { outputSchema } = settingsOf(options);
    const turn = thread.attachTurn({ id: told.id }, { ...asks.handlers, outputSchema });
    const control = this.#follow(turn, asks, options, told);
    await turn.started;
    return control;
  }

  async doCompact(customInstructions?: string): Promise<void> {
    if (customInstructions !== undefined && customInstructions.trim() !== "") {
      throw unsupported(
        "customInstructions",
        "cannot be given: app-server summarises in its own way",
      );
    }
    const thread = this.#thread.handle;
    if (thread) this.#compactions.push(await compactThread(thread));
  }

  async doSuspendTurn(): Promise<HarnessContinueState> {
    await this.#beginning;
    const turn = this.#turn;
    // Its id is what another process finds it by.
    if (turn) await turn.turn.started.catch(() => undefined);
    turn?.release();
    const data = this.#stateWith(this.#unfinished);
    // The host still reads what it was given. HarnessAgent hands the state on when it has stopped.
    const get = (): HarnessStateData["turn"] => turn?.state ?? this.#unfinished;
    return continueState(Object.defineProperty(data, "turn", { enumerable: true, get }));
  }

  doDetach(): Promise<HarnessResumeState> {
    return Promise.resolve(resumeState(this.#state()));
  }

  async doStop(): Promise<HarnessResumeState> {
    const state = resumeState(this.#state());
    await this.#leave();
    return state;
  }

  async doDestroy(): Promise<void> {
    this.#isDestroyed = true;
    await this.#beginning;
    const reason = destroyed();
    const { threadId } = this.#thread.state;
    const turn = this.#turn ?? this.#options.turns.find(threadId, this.#unfinished?.id);
    if (turn) {
      turn.stop(reason);
      await turn.ended;
    } else if (this.#unfinished) {
      const { id } = this.#unfinished;
      await ignoreRejection(Promise.resolve(this.#thread.handle?.attachTurn({ id }).interrupt()));
    }
    await this.#leave();
  }

  /** Lets the server unload the thread. */
  async #leave(): Promise<void> {
    await ignoreRejection(Promise.resolve(this.#thread.handle?.unsubscribe()));
  }

  #state(): HarnessStateData {
    const own = this.#turn && !this.#turn.isOver ? this.#turn.state : undefined;
    return this.#stateWith(own ?? this.#unfinished);
  }

  #stateWith(turn: HarnessStateData["turn"]): HarnessStateData {
    const compactions = [...this.#compactions];
    return {
      ...this.#thread.state,
      ...(compactions.length === 0 ? {} : { compactions }),
      ...(turn === undefined ? {} : { turn }),
    };
  }

  async #begin(
    options: HarnessPromptOptions,
  ): Promise<{ readonly control: HarnessPromptControl; readonly turn: Turn }> {
    const { prompt, model, abortSignal } = options;
    const input = harnessInput(prompt);
    const settings = settingsOf(options);
    throwIfAborted(abortSignal);
    const thread = await this.#thread.prepare(options);
    throwIfAborted(abortSignal);
    if (this.#isDestroyed) throw destroyed();
    const asks = new HarnessAsks(this.#options.permissions, options.tools);
    const turn = thread.turn(input, {
      ...settings,
      ...(model === undefined ? {} : { model }),
      ...asks.handlers,
      onBreak: "detach",
    });
    return { control: this.#follow(turn, asks, options, undefined), turn };
  }

  #follow(
    turn: Turn,
    asks: HarnessAsks,
    options: HarnessContinueOptions,
    told: HarnessStateData["turn"],
  ): HarnessPromptControl {
    const { turns, show, answerTimeoutMs } = this.#options;
    const { outputSchema } = settingsOf(options);
    const harnessTurn = new HarnessTurn({
      turn,
      asks,
      modelId: options.model ?? this.#thread.model,
      holdsText: outputSchema !== undefined && hasOptional(outputSchema),
      answerTimeoutMs,
      // The host carries out its tools by their arguments.
      show: { cwd: this.#thread.cwd, show: { ...show, toolArguments: true } },
      told,
      first: this.#compactions.map(
        (counts) => ({ type: "compaction", trigger: "manual", summary: "", ...counts }) as const,
      ),
    });
    this.#compactions = [];
    turns.add(harnessTurn);
    this.#turn = harnessTurn;
    return harnessTurn.attach(options);
  }
}

const destroyed = (): Error => new Error("The session was destroyed.");

/** @throws InvalidArgumentError for a format that Codex cannot be held to. */
function settingsOf({ responseFormat }: HarnessContinueOptions): Pick<TurnOptions, "outputSchema"> {
  if (responseFormat?.type !== "json") return {};
  if (responseFormat.schema === undefined) {
    throw unsupported("responseFormat", "must have a schema when it is JSON");
  }
  return { outputSchema: responseFormat.schema };
}
