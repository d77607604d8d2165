import { BoundedMap } from "../../async/bounded-map.js";
import { callerContext, type CallerContext } from "../../async/caller-context.js";
import { hasActiveGoal } from "../../messages/goal-status.js";
import { threadIdIn } from "../../messages/id-of.js";
import type { NotificationMessage } from "../../jsonrpc/message.js";
import { threadIdOf, turnIdOf } from "../../messages/message-ids.js";
import type { SubagentTree } from "../subagent-tree.js";

/** Whose turn a thread runs; undefined for that of somebody else. */
interface RunningTurn {
  readonly turnId: string;
  readonly context: CallerContext | undefined;
}

interface Queued {
  readonly threadId: string;
  readonly context: CallerContext;
  /** The server's id of it; undefined until it has answered. */
  id: unknown;
}

/** So many threads, and so much queued input, are remembered; the oldest are forgotten. */
const maxKept = 1_024;

/**
 * The calls that have turns started which no handle need follow: requests made by hand, goals, and the
 * server's queue; and the sub-agents of such turns, which may outlive them. It holds the context of
 * such a call until its turn has completed, its goal is at rest, or its thread is closed.
 */
export class TurnCallers {
  readonly #subagents: SubagentTree;
  /** By thread: one turn runs on each at a time. */
  readonly #turns = new BoundedMap<string, RunningTurn>(maxKept);
  /** Who has set the thread's active goal, for which the server starts turns by itself. */
  readonly #goals = new BoundedMap<string, CallerContext>(maxKept);
  /** By the client's id of the message. */
  readonly #queued = new BoundedMap<string, Queued>(maxKept);

  constructor(subagents: SubagentTree) {
    this.#subagents = subagents;
  }

  /** The context of the call that started the turn; undefined when that was none of ours. */
  contextOf(threadId: string, turnId: string | undefined): CallerContext | undefined {
    const turn = this.#turns.get(threadId);
    if (turn && (turnId === undefined || turn.turnId === turnId)) return turn.context;
    return this.#goals.get(threadId);
  }

  /** To be called when a request is sent; what it returns, with the answer, or without when it fails. */
  asked(method: string, params: unknown): (answer?: unknown) => void {
    const threadId = threadIdIn(params);
    if (threadId === undefined) return noop;
    const fields = params as Readonly<Record<string, unknown>>;
    switch (method) {
      case "turn/start":
      case "review/start":
        return this.#turnAsked(threadId);
      case "thread/goal/set":
        return setsGoal(fields) ? this.#goalAsked(threadId) : noop;
      case "thread/queue/add":
        return this.#inputQueued(threadId, fields["clientUserMessageId"]);
      case "thread/queue/delete":
        return (answer) => {
          const id = fields["queuedSubmissionId"];
          if (answer !== undefined) this.#unqueue((queued) => queued.id === id);
        };
      default:
        return noop;
    }
  }

  /** Learns from what may name a turn, or end it. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "item/started":
        this.#itemStarted(message);
        break;
      case "turn/completed":
        this.#turnEnded(message);
        break;
      case "thread/goal/updated":
        if (!hasActiveGoal(message.params)) this.#goals.delete(threadIdOf(message) ?? "");
        break;
      case "thread/goal/cleared":
        this.#goals.delete(threadIdOf(message) ?? "");
        break;
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.#forget(threadIdOf(message) ?? "");
    }
  }

  /** The connection is back: of the turns that ended meanwhile, nothing was told. */
  restored(isRunning: (threadId: string) => boolean): void {
    for (const threadId of this.#turns.keys()) {
      if (!isRunning(threadId)) this.#turns.delete(threadId);
    }
  }

  #turnAsked(threadId: string): (answer?: unknown) => void {
    const context = callerContext();
    return (answer) => {
      const { turn } = (answer ?? {}) as { turn?: { id?: unknown } | null };
      const turnId = turn?.id;
      // Input for a turn that runs becomes a part of it, and changes nothing of whose it is.
      if (typeof turnId !== "string" || this.#turns.get(threadId)?.turnId === turnId) return;
      this.#begin(threadId, { turnId, context });
    };
  }

  #goalAsked(threadId: string): (answer?: unknown) => void {
    const context = callerContext();
    const before = this.#goals.get(threadId);
    // Its first turn may begin before the answer comes.
    this.#goals.set(threadId, context);
    return (answer) => {
      // The end of the goal before may have been told meanwhile.
      if (hasActiveGoal(answer)) this.#goals.set(threadId, context);
      else if (this.#goals.get(threadId) !== context) return;
      else if (before) this.#goals.set(threadId, before);
      else this.#goals.delete(threadId);
    };
  }

  #inputQueued(threadId: string, clientId: unknown): (answer?: unknown) => void {
    if (typeof clientId !== "string") return noop;
    const queued: Queued = { threadId, context: callerContext(), id: undefined };
    this.#queued.set(clientId, queued);
    return (answer) => {
      const { queuedSubmission } = (answer ?? {}) as { queuedSubmission?: { id?: unknown } | null };
      queued.id = queuedSubmission?.id;
      if (queued.id === undefined) this.#unqueue((one) => one === queued);
    };
  }

  /** The first item of a turn tells whose it is: of input, it is the message. */
  #itemStarted(message: NotificationMessage): void {
    if (this.#isIdle()) return;
    const threadId = threadIdOf(message);
    const turnId = turnIdOf(message);
    if (threadId === undefined || turnId === undefined) return;
    const known = this.#turns.get(threadId);
    if (known?.turnId === turnId) {
      // A sub-agent may begin before the item that names it.
      const context = known.context ?? this.#parentOf(threadId);
      if (context !== known.context) this.#begin(threadId, { turnId, context });
      return;
    }
    const { item } = (message.params ?? {}) as { item?: FirstItem | null };
    if (item?.type === "userMessage") {
      const clientId = typeof item.clientId === "string" ? item.clientId : "";
      const queued = this.#queued.get(clientId);
      this.#queued.delete(clientId);
      this.#begin(threadId, { turnId, context: queued?.context ?? this.#parentOf(threadId) });
    } else {
      const context = this.#goals.get(threadId) ?? this.#parentOf(threadId);
      this.#begin(threadId, { turnId, context });
    }
  }

  /** That of the turn which the thread's turn works for, as a sub-agent. */
  #parentOf(threadId: string): CallerContext | undefined {
    const parent = this.#subagents.parentOf(threadId);
    return parent ? this.contextOf(parent.threadId, parent.turnId) : undefined;
  }

  #begin(threadId: string, turn: RunningTurn): void {
    this.#turns.set(threadId, turn);
  }

  #turnEnded(message: NotificationMessage): void {
    const threadId = threadIdOf(message) ?? "";
    if (this.#turns.get(threadId)?.turnId === turnIdOf(message)) this.#turns.delete(threadId);
  }

  #forget(threadId: string): void {
    this.#turns.delete(threadId);
    this.#goals.delete(threadId);
    this.#unqueue((queued) => queued.threadId === threadId);
  }

  #unqueue(isOne: (queued: Queued) => boolean): void {
    for (const [clientId, queued] of this.#queued) {
      if (isOne(queued)) this.#queued.delete(clientId);
    }
  }

  #isIdle(): boolean {
    return this.#turns.size + this.#goals.size + this.#queued.size === 0;
  }
}

interface FirstItem {
  readonly type?: unknown;
  readonly clientId?: unknown;
}

/** Whether the server starts turns for it that would not run otherwise. */
function setsGoal({ objective, status }: Readonly<Record<string, unknown>>): boolean {
  if (status !== undefined && status !== null) return status === "active";
  return typeof objective === "string";
}

function noop(): void {}
