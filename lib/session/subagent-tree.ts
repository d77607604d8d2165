import type { NotificationMessage } from "../jsonrpc/message.js";
import { agentsIn } from "../messages/agents-in.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import { threadIdOf, turnIdOf } from "../messages/message-ids.js";
import type { Call } from "./call.js";
import type { SubagentParent } from "./thread-state.js";
import type { Threads } from "./threads.js";

/** An approval may depend on whose sub-agent a thread is, so that is not waited for for long (ms). */
const timeoutMs = 10_000;

/**
 * Which thread is whose sub-agent, as the states of the threads say. A sub-agent's thread is not announced:
 * it is named by items of its parent, and its events and requests may come before them.
 */
export class SubagentTree {
  readonly #threads: Threads;
  readonly #call: Call;

  constructor(threads: Threads, call: Call) {
    this.#threads = threads;
    this.#call = call;
  }

  /** `null` when the thread has no parent, `undefined` when that is not known. */
  parentOf(threadId: string): SubagentParent | null | undefined {
    return this.#threads.find(threadId)?.parent;
  }

  /** Whether the thread is a sub-agent of `ancestor`, or of one of its sub-agents. */
  isBelow(threadId: string, ancestor: string): boolean {
    return threadId !== ancestor && this.#isAbove(ancestor, threadId);
  }

  /**
   * The thread itself, the one that it works for, and so on. Each parent is looked for when the one before
   * it has been dealt with, so it may be learnt until then.
   */
  *lineage(
    threadId: string | undefined,
    turnId: string | undefined,
  ): Generator<SubagentParent, void, undefined> {
    if (threadId === undefined) return;
    const rootTurnId = this.#threads.find(threadId)?.rootTurnId;
    let at: SubagentParent | null | undefined = { threadId, turnId };
    while (at) {
      yield at;
      const parent = this.parentOf(at.threadId);
      at = parent && { ...parent, turnId: parent.turnId ?? rootTurnId };
    }
  }

  /** Asks the server whose sub-agent the thread is. Never rejects. */
  async ask(threadId: string): Promise<void> {
    const answer = await this.#call("thread/read", { threadId }, { timeoutMs }).catch(() => null);
    const id = fieldOf(answer, "thread", "parentThreadId");
    // Meanwhile the item may have come that knows more.
    if (id === undefined || this.parentOf(threadId) !== undefined) return;
    this.learn(threadId, typeof id === "string" ? { threadId: id, turnId: undefined } : null);
  }

  /** Takes note of what the server told of a thread. */
  learn(threadId: string, parent: SubagentParent | null): void {
    if (parent && this.#isAbove(threadId, parent.threadId)) return;
    const known = this.parentOf(threadId);
    // The parent's turn is not forgotten for one who does not know it.
    const turnId =
      parent?.turnId ?? (known?.threadId === parent?.threadId ? known?.turnId : undefined);
    this.#threads.renew(threadId).parent = parent && { threadId: parent.threadId, turnId };
  }

  observe(message: NotificationMessage): void {
    const threadId = threadIdOf(message);
    if (threadId === undefined) return;
    switch (message.method) {
      case "item/started":
      case "item/completed":
        this.#learnFromItem(threadId, message);
        break;
      case "thread/started": {
        const parentId = textOf(message.params, "thread", "parentThreadId");
        if (parentId !== undefined) this.learn(threadId, { threadId: parentId, turnId: undefined });
        break;
      }
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.#forget(threadId);
    }
  }

  #learnFromItem(threadId: string, message: NotificationMessage): void {
    const { agents, isParent } = agentsIn(fieldOf(message.params, "item"));
    for (const agent of agents) {
      // Agents also speak to their siblings, and to the one above them.
      if (!isParent && this.parentOf(agent)?.threadId !== threadId) continue;
      this.learn(agent, { threadId, turnId: turnIdOf(message) });
    }
  }

  /** With a thread, its sub-agents are forgotten to be so. */
  #forget(threadId: string): void {
    for (const [id, thread] of this.#threads) {
      if (id !== threadId && thread.parent?.threadId !== threadId) continue;
      thread.parent = undefined;
      this.#threads.tidy(id);
    }
  }

  /** What a server says must not turn the tree around: it would be walked for ever. */
  #isAbove(threadId: string, below: string): boolean {
    for (let at: string | undefined = below; at !== undefined;) {
      if (at === threadId) return true;
      at = this.parentOf(at)?.threadId;
    }
    return false;
  }
}
