import { onDeadline } from "../../async/deadline.js";
import type { ToolContext, ToolOutput } from "../../index.js";
import type { HarnessAsks } from "./harness-asks.js";
import type { HarnessTurn } from "./harness-turn.js";

interface RunningTurn {
  readonly turn: HarnessTurn;
  readonly asks: HarnessAsks;
}

/** How long a turn that has ended while nobody read it is kept (ms); after that, it is read from what is stored. */
const keepMs = 600_000;

/** The turns of a harness that are not over, by their threads: also those that nobody reads at the moment. */
export class HarnessTurns {
  readonly #turns = new Map<string, RunningTurn>();

  add(running: RunningTurn): void {
    const { turn } = running;
    const { threadId } = turn.turn;
    this.#turns.set(threadId, running);
    const forget = (): void => {
      if (this.#turns.get(threadId) === running) this.#turns.delete(threadId);
    };
    void turn.ended.then(() => {
      if (turn.isOver) forget();
      else onDeadline(keepMs, forget, { unref: true });
    });
  }

  /** The turn of a thread that is still to be told, if it is this one. */
  find(threadId: string, turnId: string | undefined): HarnessTurn | undefined {
    const found = this.#turns.get(threadId)?.turn;
    return found && !found.isOver && found.turn.id === turnId ? found : undefined;
  }

  /** Carries out a call of one of the caller's tools. */
  async call(name: string, context: ToolContext): Promise<ToolOutput> {
    const running = this.#turns.get(context.threadId);
    if (!running) throw new Error("No host is there that could carry it out.");
    return running.asks.call(name, context);
  }
}
