import { BoundedMap } from "../async/bounded-map.js";
import type { TurnAccount } from "./turn-account.js";

/** As many turns are remembered, the latest, over or not: about 2 MB. */
const maxTurns = 2_048;

/** The accounts of the latest turns, found by their ids and by the turns that they work for. */
export class TurnAccounts {
  readonly #turns = new BoundedMap<string, TurnAccount>(maxTurns, (_turnId, turn) => {
    this.#open.delete(turn);
    this.#unlink(turn);
  });
  /** Those that work for a turn, and itself, by its id: of those that are remembered. */
  readonly #byRoot = new Map<string, Set<TurnAccount>>();
  /** The turns whose end has not been told; a server may begin them without end, and tell the end of none. */
  readonly #open = new Set<TurnAccount>();

  get(turnId: string): TurnAccount | undefined {
    return this.#turns.get(turnId);
  }

  /** Those whose end has not been told, in the order in which they began. */
  get open(): readonly TurnAccount[] {
    return [...this.#open];
  }

  /** Those of the thread, over or not. */
  on(threadId: string): readonly TurnAccount[] {
    return [...this.#turns.values()].filter((turn) => turn.threadId === threadId);
  }

  isOpenOn(threadId: string): boolean {
    return this.open.some((turn) => turn.threadId === threadId);
  }

  /** The turn, and those that work for it. */
  ofRoot(rootTurnId: string): readonly TurnAccount[] {
    return [...(this.#byRoot.get(rootTurnId) ?? [])];
  }

  /** The turn that this one works for, or else itself. */
  rootOf(turn: TurnAccount): TurnAccount {
    return this.#turns.get(turn.rootTurnId) ?? turn;
  }

  add(turn: TurnAccount): void {
    this.#turns.set(turn.turnId, turn);
    this.#open.add(turn);
    this.#link(turn);
  }

  /** The turn's end was told. */
  ended(turn: TurnAccount): void {
    this.#open.delete(turn);
  }

  /** The turn works for another one than was known. */
  setRoot(turn: TurnAccount, rootTurnId: string): void {
    this.#unlink(turn);
    turn.rootTurnId = rootTurnId;
    this.#link(turn);
  }

  #link(turn: TurnAccount): void {
    const turns = this.#byRoot.get(turn.rootTurnId);
    if (turns) turns.add(turn);
    else this.#byRoot.set(turn.rootTurnId, new Set([turn]));
  }

  #unlink(turn: TurnAccount): void {
    const turns = this.#byRoot.get(turn.rootTurnId);
    turns?.delete(turn);
    if (turns?.size === 0) this.#byRoot.delete(turn.rootTurnId);
  }
}
