import { BoundedMap } from "../async/bounded-map.js";
import { callerContext, type CallerContext } from "../async/caller-context.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "../messages/field-of.js";
import { hasActiveGoal, setsActiveGoal } from "../messages/goal-status.js";
import { turnIdOf } from "../messages/message-ids.js";

/** The turn that runs; its context is undefined when somebody else has started it. */
interface RunningTurn {
  readonly turnId: string;
  readonly context: CallerContext | undefined;
}

interface Queued {
  readonly context: CallerContext;
  /** The server's id of it; undefined until it has answered. */
  id: unknown;
}

/** More than the server keeps in the queue of a thread; the oldest are forgotten. */
const maxQueued = 128;

/**
 * The calls that have turns of a thread started which no handle need follow: requests made by hand, goals,
 * and the server's queue; and as a sub-agent the call that started the turn that it works for, which it may
 * outlive. It holds the context of such a call until its turn has completed, its goal is at rest, or the
 * thread is closed.
 */
export class TurnCallers {
  readonly #callerOfParent: () => CallerContext | undefined;
  #turn: RunningTurn | undefined;
  /** Who has set the active goal, for which the server starts turns by itself. */
  #goal: CallerContext | undefined;
  /** By the client's id of the message. */
  readonly #queued = new BoundedMap<string, Queued>(maxQueued);

  /** `callerOfParent`: the context of the turn that the thread works for, as a sub-agent. */
  constructor(callerOfParent: () => CallerContext | undefined) {
    this.#callerOfParent = callerOfParent;
  }

  /** Whether nobody is known who has started something here. */
  get isIdle(): boolean {
    return this.#turn === undefined && this.#goal === undefined && this.#queued.size === 0;
  }

  /** The context of the call that started the turn; undefined when that was none of ours. */
  contextOf(turnId: string | undefined): CallerContext | undefined {
    const turn = this.#turn;
    return turn && (turnId === undefined || turn.turnId === turnId) ? turn.context : this.#goal;
  }

  /** To be called when a request is sent; what it returns, with the answer, or without when it fails. */
  asked(method: string, params: unknown): ((answer?: unknown) => void) | undefined {
    const fields = params as Readonly<Record<string, unknown>>;
    switch (method) {
      case "turn/start":
      case "review/start":
        return this.#turnAsked();
      case "thread/goal/set":
        return setsActiveGoal(fields) ? this.#goalAsked() : undefined;
      case "thread/queue/add":
        return this.#inputQueued(fields["clientUserMessageId"]);
      case "thread/queue/delete":
        return (answer) => {
          const id = fields["queuedSubmissionId"];
          if (answer !== undefined) this.#unqueue((queued) => queued.id === id);
        };
      default:
        return undefined;
    }
  }

  /** Learns from what may name a turn, or end it. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "item/started":
        this.#itemStarted(message);
        break;
      case "turn/completed":
        if (this.#turn?.turnId === turnIdOf(message)) this.turnOver();
        break;
      case "thread/goal/updated":
        if (!hasActiveGoal(message.params)) this.#goal = undefined;
        break;
      case "thread/goal/cleared":
        this.#goal = undefined;
    }
  }

  /** The thread runs no turn any more. */
  turnOver(): void {
    this.#turn = undefined;
  }

  /** The thread is not loaded any more. */
  forget(): void {
    this.#turn = undefined;
    this.#goal = undefined;
    this.#queued.clear();
  }

  #turnAsked(): (answer?: unknown) => void {
    const context = callerContext();
    return (answer) => {
      const turnId = fieldOf(answer, "turn", "id");
      // Input for a turn that runs becomes a part of it, and changes nothing of whose it is.
      if (typeof turnId === "string" && this.#turn?.turnId !== turnId) {
        this.#turn = { turnId, context };
      }
    };
  }

  #goalAsked(): (answer?: unknown) => void {
    const context = callerContext();
    const before = this.#goal;
    // Its first turn may begin before the answer comes.
    this.#goal = context;
    return (answer) => {
      // The end of the goal before may have been told meanwhile.
      if (hasActiveGoal(answer)) this.#goal = context;
      else if (this.#goal === context) this.#goal = before;
    };
  }

  #inputQueued(clientId: unknown): ((answer?: unknown) => void) | undefined {
    if (typeof clientId !== "string") return undefined;
    const queued: Queued = { context: callerContext(), id: undefined };
    this.#queued.set(clientId, queued);
    return (answer) => {
      queued.id = fieldOf(answer, "queuedSubmission", "id");
      if (queued.id === undefined) this.#unqueue((one) => one === queued);
    };
  }

  /** The first item of a turn tells whose it is: of input, it is the message. */
  #itemStarted(message: NotificationMessage): void {
    const ofParent = this.#callerOfParent();
    if (this.isIdle && !ofParent) return;
    const turnId = turnIdOf(message);
    if (turnId === undefined) return;
    if (this.#turn?.turnId === turnId) {
      // A sub-agent may begin before the item that names it.
      this.#turn = { turnId, context: this.#turn.context ?? ofParent };
      return;
    }
    let starter = this.#goal;
    if (fieldOf(message.params, "item", "type") === "userMessage") {
      const clientId = fieldOf(message.params, "item", "clientId") as string;
      starter = this.#queued.get(clientId)?.context;
      this.#queued.delete(clientId);
    }
    this.#turn = { turnId, context: starter ?? ofParent };
  }

  #unqueue(isOne: (queued: Queued) => boolean): void {
    for (const [clientId, queued] of this.#queued) {
      if (isOne(queued)) this.#queued.delete(clientId);
    }
  }
}
