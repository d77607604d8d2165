import type { ThreadItem, TurnStatus } from "../../generated/types.js";
import { onDeadline } from "../async/deadline.js";
import type { TurnEvent } from "../protocol.js";
import { isItem } from "./turn-state.js";

type Command = Extract<ThreadItem, { type: "commandExecution" }>;

/** Who is told of a shell command. None of the functions may throw. */
interface CommandPartOwner {
  readonly threadId: string;
  readonly turnId: string;
  /** Takes an event of the command, or of the turn as far as it is the command's. */
  deliver(event: TurnEvent): void;
  /** The turn is somebody else's as well: how it began, and what has shown it. */
  shared(events: readonly TurnEvent[]): void;
  /** The turn has ended, and the command goes on. */
  outlived(): void;
  /** The command ends now, and its turn has not: what is still to come of it tells whose it is. */
  leaving(): void;
  /** Whether events are held back at this moment. */
  isHolding(): boolean;
}

/**
 * How long after a command the turn that it is by itself may take to end (ms). The end follows within
 * a few milliseconds; a turn that goes on is somebody else's, and not waited for.
 */
const endGraceMs = 1_000;

/**
 * What a shell command has of its turn. On an idle thread it is a turn by itself. When another one,
 * of a goal say, begins at the same moment, the server makes it an item of that turn, which may go on
 * after it or end before it. Here the turn is the command alone, and ends with it.
 */
export class CommandPart {
  readonly #owner: CommandPartOwner;
  #start: Extract<TurnEvent, { method: "turn/started" }> | undefined;
  #itemId: string | undefined;
  #completed: Command | undefined;
  #isShared = false;
  #hasTurnEnded = false;
  #stopDeadline: (() => void) | undefined;

  constructor(owner: CommandPartOwner) {
    this.#owner = owner;
  }

  /** Whether the command runs as part of somebody else's turn: nothing can stop it alone. */
  get runsOn(): boolean {
    return this.#isShared && !this.#completed;
  }

  /** Whether the command can be stopped, by an interrupt of its turn. */
  get isStoppable(): boolean {
    return !this.#isShared && !this.#completed;
  }

  /** Whether it may still turn out whether the turn is somebody else's as well. */
  get isAlone(): boolean {
    return !this.#isShared && !this.#hasTurnEnded;
  }

  /** Whether the turn that the command was part of has ended before it. */
  get outlivesTurn(): boolean {
    return this.#hasTurnEnded && !this.#completed;
  }

  receive(event: TurnEvent): void {
    const { method, params } = event;
    switch (method) {
      case "turn/started":
        this.#start = event;
        this.#owner.deliver(event);
        break;
      case "turn/completed": {
        const isNews = !this.#hasTurnEnded;
        this.#turnEnded(event, params.turn.status);
        if (isNews && this.outlivesTurn) this.#owner.outlived();
        break;
      }
      case "connection/gap":
      case "warning":
      case "guardianWarning":
        this.#owner.deliver(event);
        break;
      default:
        this.#receiveOfItem(event);
    }
  }

  /** The end of a command that outlives its turn may have been missed, or will not come. */
  giveUp(): void {
    if (this.outlivesTurn) this.#end("completed");
  }

  stop(): void {
    this.#stopDeadline?.();
  }

  /** What is of no item, such as usage, is the model's. */
  #receiveOfItem(event: TurnEvent): void {
    const { item, itemId } = event.params as { item?: unknown; itemId?: unknown };
    const id = isItem(item) ? item.id : itemId;
    if (typeof id !== "string") return;
    const command = isItem(item) && item.type === "commandExecution" ? item : undefined;
    if (command?.source === "userShell") this.#itemId ??= id;
    if (id !== this.#itemId) {
      this.#share([event]);
      return;
    }
    this.#owner.deliver(event);
    if (event.method !== "item/completed" || !command) return;
    this.#completed = command;
    if (this.#isShared) this.#endWithCommand();
    else this.#expectEnd();
  }

  #expectEnd(): void {
    const conclude = (): void => {
      // The end may be among the events that are held back, or be missing.
      if (this.#owner.isHolding()) {
        this.#expectEnd();
        return;
      }
      this.#owner.leaving();
      this.#endWithCommand();
    };
    this.#stopDeadline = onDeadline(endGraceMs, conclude, { unref: true });
  }

  #turnEnded(event: TurnEvent, status: TurnStatus): void {
    this.#hasTurnEnded = true;
    if (this.#isShared) {
      // The command goes on, but for an interrupt, which stops it, too.
      if (status === "interrupted") this.#end(status);
    } else if (status === "failed" && this.#itemId !== undefined) {
      // It is a model that fails: the exit code tells of commands.
      this.#share([event]);
    } else {
      this.#owner.deliver(event);
    }
  }

  #share(events: readonly TurnEvent[]): void {
    if (!this.#isShared) {
      this.#isShared = true;
      this.#owner.shared(this.#start ? [this.#start, ...events] : events);
    }
    if (this.#completed) this.#endWithCommand();
  }

  #endWithCommand(): void {
    // What did not come to an end of its own has no exit code of its own.
    this.#end(this.#completed?.exitCode === -1 ? "interrupted" : "completed");
  }

  /** The end as it would come if the command were a turn by itself. */
  #end(status: TurnStatus): void {
    const { threadId, turnId: id } = this.#owner;
    const durationMs = this.#completed?.durationMs ?? null;
    const now = Date.now();
    const startedAt = durationMs === null ? null : Math.floor((now - durationMs) / 1_000);
    const times = { startedAt, completedAt: Math.floor(now / 1_000), durationMs };
    const kind = { rootTurnId: null, itemsView: "notLoaded" } as const;
    const turn = { id, ...kind, items: [], status, error: null, ...times };
    this.#owner.deliver({ method: "turn/completed", params: { threadId, turn } });
  }
}
