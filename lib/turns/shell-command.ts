import type { ThreadItem, TurnStatus } from "../../generated/types.js";
import type { TurnEvent } from "../protocol.js";
import { isItem } from "./turn-state.js";

type Command = Extract<ThreadItem, { type: "commandExecution" }>;

/** What an event of a turn is to the shell command in it. */
export interface CommandEvents {
  /** What the handle of the command shows. */
  readonly own: readonly TurnEvent[];
  /** There when the turn turns out to be somebody else's as well: how it began, and what shows it. */
  readonly shared?: readonly TurnEvent[];
}

/**
 * What a shell command has of its turn. On an idle thread it is a turn by itself, and ends with it. When
 * another one, of a goal say, begins at the same moment, the server makes it an item of that turn, which
 * may go on after it or end before it. Here the turn is the command alone then, and ends with it.
 */
export class ShellCommand {
  readonly #threadId: string;
  /** The turn's id; empty until the server has named it. */
  turnId = "";
  #start: TurnEvent | undefined;
  #itemId: string | undefined;
  #completed: Command | undefined;
  #isShared = false;
  #hasTurnEnded = false;

  constructor(threadId: string) {
    this.#threadId = threadId;
  }

  get isDone(): boolean {
    return this.#completed !== undefined;
  }

  /** Whether the turn that the command was part of has ended before it. */
  get outlivesTurn(): boolean {
    return this.#hasTurnEnded && !this.#completed;
  }

  next(event: TurnEvent): CommandEvents {
    switch (event.method) {
      case "turn/started":
        this.#start = event;
        return { own: [event] };
      case "turn/completed":
        return this.#turnEnded(event, event.params.turn.status);
      case "connection/gap":
      case "warning":
      case "guardianWarning":
        return { own: [event] };
      default:
        return this.#ofItem(event);
    }
  }

  /** The turn has not ended with the command: it is somebody else's, and will show it. */
  leaveTurn(): CommandEvents {
    return this.#completed ? this.#isOthers([]) : { own: [] };
  }

  /** The end of a command that outlives its turn may have been missed, or will not come. */
  giveUp(): readonly TurnEvent[] {
    return this.outlivesTurn ? [this.#end("completed")] : [];
  }

  /** What is of no item, such as usage, is the model's. */
  #ofItem(event: TurnEvent): CommandEvents {
    const { item, itemId } = event.params as { item?: unknown; itemId?: unknown };
    const id = isItem(item) ? item.id : itemId;
    if (typeof id !== "string") return { own: [] };
    const command = isItem(item) && item.type === "commandExecution" ? item : undefined;
    if (command?.source === "userShell") this.#itemId ??= id;
    if (id !== this.#itemId) return this.#isOthers([event]);
    if (event.method === "item/completed" && command) this.#completed = command;
    return { own: this.#isShared ? [event, ...this.#endWithCommand()] : [event] };
  }

  #turnEnded(event: TurnEvent, status: TurnStatus): CommandEvents {
    this.#hasTurnEnded = true;
    // The command goes on, but for an interrupt, which stops it, too.
    if (this.#isShared) return { own: status === "interrupted" ? [this.#end(status)] : [] };
    // It is a model that fails: the exit code tells of commands.
    const isOthers = status === "failed" && this.#itemId !== undefined;
    return isOthers ? this.#isOthers([event]) : { own: [event] };
  }

  /** The turn is somebody else's as well, as `shown` tells. */
  #isOthers(shown: readonly TurnEvent[]): CommandEvents {
    if (this.#isShared) return { own: [] };
    this.#isShared = true;
    const shared = this.#start ? [this.#start, ...shown] : shown;
    return { own: this.#endWithCommand(), shared };
  }

  #endWithCommand(): readonly TurnEvent[] {
    if (!this.#completed) return [];
    // What did not come to an end of its own has no exit code of its own.
    return [this.#end(this.#completed.exitCode === -1 ? "interrupted" : "completed")];
  }

  /** The end as it would come if the command were a turn by itself. */
  #end(status: TurnStatus): TurnEvent {
    const durationMs = this.#completed?.durationMs ?? null;
    const now = Date.now();
    const startedAt = durationMs === null ? null : Math.floor((now - durationMs) / 1_000);
    const times = { startedAt, completedAt: Math.floor(now / 1_000), durationMs };
    const kind = { rootTurnId: null, itemsView: "notLoaded" } as const;
    const turn = { id: this.turnId, ...kind, items: [], status, error: null, ...times };
    return { method: "turn/completed", params: { threadId: this.#threadId, turn } };
  }
}
