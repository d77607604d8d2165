import { BoundedMap } from "../async/bounded-map.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf, turnIdOf } from "../messages/message-ids.js";

/** Whose sub-agent a thread is. */
export interface SubagentParent {
  readonly threadId: string;
  /** The parent's turn that started it, or spoke to it last; undefined when that is not known. */
  readonly turnId: string | undefined;
}

/** Sub-agents are never told to be gone one by one: beyond this many the oldest are forgotten. */
const maxThreads = 4_096;

/**
 * Which thread is whose sub-agent. A sub-agent's thread is not announced: it is named by items of
 * its parent, and its events and requests may come before them.
 */
export class SubagentTree {
  readonly #parents = new BoundedMap<string, SubagentParent | null>(maxThreads);
  /** For the threads whose running turn belongs to another turn: that one's id. */
  readonly #rootTurns = new BoundedMap<string, string>(maxThreads);

  /** The number of threads of which it is known whether they have a parent. */
  get size(): number {
    return this.#parents.size;
  }

  /** `null` when the thread has no parent, `undefined` when that is not known. */
  parentOf(threadId: string): SubagentParent | null | undefined {
    return this.#parents.get(threadId);
  }

  /** Whether the thread is a sub-agent of `ancestor`, or of one of its sub-agents. */
  isBelow(threadId: string, ancestor: string): boolean {
    const parent = this.#parents.get(threadId);
    return parent !== null && parent !== undefined && this.#isAbove(ancestor, parent.threadId);
  }

  /** The turn, of another thread most often, for which the thread's running turn works. */
  rootTurnOf(threadId: string): string | undefined {
    return this.#rootTurns.get(threadId);
  }

  /** Takes note of what the server told when it was asked. */
  learn(threadId: string, parent: SubagentParent | null): void {
    if (parent && this.#isAbove(threadId, parent.threadId)) return;
    const known = this.#parents.get(threadId);
    // The parent's turn is not forgotten for one who does not know it.
    const turnId =
      parent?.turnId ?? (known?.threadId === parent?.threadId ? known?.turnId : undefined);
    this.#parents.set(threadId, parent && { threadId: parent.threadId, turnId });
  }

  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "item/started":
      case "item/completed":
        this.#learnFromItem(message);
        break;
      case "thread/started":
        this.#learnFromThread(message);
        break;
      case "turn/started":
      case "turn/completed":
        this.#learnFromTurn(message);
        break;
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.#forget(threadIdOf(message) ?? "");
    }
  }

  #learnFromItem(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    const { agents, isParent } = agentsIn((message.params as { item?: unknown }).item);
    for (const agent of agents) {
      // Agents also speak to their siblings, and to the one above them.
      if (!isParent && this.#parents.get(agent)?.threadId !== threadId) continue;
      this.learn(agent, { threadId, turnId: turnIdOf(message) });
    }
  }

  #learnFromThread(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    const { thread } = message.params as { thread?: { parentThreadId?: unknown } };
    const parentId = thread?.parentThreadId;
    if (typeof parentId !== "string") return;
    this.learn(threadId, { threadId: parentId, turnId: undefined });
  }

  #learnFromTurn(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    const { turn } = message.params as { turn?: { id?: unknown; rootTurnId?: unknown } };
    const root = turn?.rootTurnId;
    const isOwn = typeof root !== "string" || root === turn?.id;
    if (message.method === "turn/completed" || isOwn) this.#rootTurns.delete(threadId);
    else this.#rootTurns.set(threadId, root);
  }

  #forget(threadId: string): void {
    this.#rootTurns.delete(threadId);
    this.#parents.delete(threadId);
    for (const [child, parent] of this.#parents) {
      if (parent?.threadId === threadId) this.#parents.delete(child);
    }
  }

  /** What a server says must not turn the tree around: it would be walked for ever. */
  #isAbove(threadId: string, below: string): boolean {
    for (let at: string | undefined = below; at !== undefined;) {
      if (at === threadId) return true;
      at = this.#parents.get(at)?.threadId;
    }
    return false;
  }
}

/** The agents' threads that an item names, and whether that makes its thread their parent. */
function agentsIn(item: unknown): { agents: readonly string[]; isParent: boolean } {
  const none = { agents: [], isParent: false };
  if (typeof item !== "object" || item === null) return none;
  const { type, tool, kind, receiverThreadIds, agentThreadId } = item as Record<string, unknown>;
  if (type === "subAgentActivity") {
    return typeof agentThreadId === "string"
      ? { agents: [agentThreadId], isParent: kind === "started" }
      : none;
  }
  if (type !== "collabAgentToolCall" || !Array.isArray(receiverThreadIds)) return none;
  return {
    agents: receiverThreadIds.filter((id) => typeof id === "string"),
    isParent: tool === "spawnAgent" || tool === "resumeAgent",
  };
}
