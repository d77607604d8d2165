import { onDeadline } from "../../async/deadline.js";
import { nothingToUndo } from "../../async/undo.js";
import type { ToolContext, ToolOutput } from "../../index.js";
import type { HarnessTurn } from "./harness-turn.js";
import { unsupported } from "./unsupported.js";

/** How long a turn that has ended while nobody read it is kept (ms); after that, it is read from what is stored. */
const keepMs = 600_000;

/** The turns of a harness that are not over, by their threads: also those that nobody reads at the moment. */
export class HarnessTurns {
  readonly #turns = new Map<string, HarnessTurn>();

  add(turn: HarnessTurn): void {
    const { threadId } = turn.turn;
    this.#turns.set(threadId, turn);
    let stopWaiting = nothingToUndo;
    const forget = (): void => {
      stopWaiting();
      if (this.#turns.get(threadId) === turn) this.#turns.delete(threadId);
    };
    void turn.over.then(forget);
    void turn.ended.then(() => {
      if (!turn.isOver) stopWaiting = onDeadline(keepMs, forget, { unref: true });
    });
  }

  /** @throws InvalidArgumentError while a turn of the thread runs that another session has to go on with. */
  checkFree(threadId: string): void {
    const found = this.#turns.get(threadId);
    if (!found || found.isOver || found.hasEnded) return;
    throw unsupported(
      "state",
      "is older than a turn of its thread that is not over; go on with that turn, or destroy its session",
    );
  }

  /** The turn of a thread that is still to be told, if it is this one. */
  find(threadId: string | null, turnId: string | undefined): HarnessTurn | undefined {
    if (threadId === null) return undefined;
    const found = this.#turns.get(threadId);
    return found && !found.isOver && found.turn.id === turnId ? found : undefined;
  }

  /** Carries out a call of one of the caller's tools. */
  async call(name: string, context: ToolContext): Promise<ToolOutput> {
    const turn = this.#turns.get(context.threadId);
    if (!turn) throw new Error("No host is there that could carry it out.");
    return turn.asks.call(name, context);
  }
}
