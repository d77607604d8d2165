import type { SubagentTree } from "../subagent-tree.js";

/** A thread, and the turn of it that is concerned, as far as that is known. */
export interface Relative {
  readonly threadId: string;
  readonly turnId: string | undefined;
}

/** Where it is known, or can be learnt, whose sub-agent a thread is. */
export interface Family {
  readonly subagents: SubagentTree;
  /** Asks the server for the parent of a thread: null when it has none; never rejects. */
  readonly askParent: (threadId: string) => Promise<string | null | undefined>;
}

/** Goes from a thread to the one that started it, and on to theirs. */
export class Lineage {
  readonly #family: Family;
  readonly #rootTurn: string | undefined;
  readonly #seen = new Set<string>();

  constructor(threadId: string, family: Family) {
    this.#family = family;
    this.#rootTurn = family.subagents.rootTurnOf(threadId);
  }

  /**
   * The parent of a thread; undefined when it has none, or none that is known. With `mayAsk` the
   * server is asked for one that is not known, and only then it is a promise.
   */
  parentOf(
    threadId: string,
    mayAsk: boolean,
  ): Relative | undefined | Promise<Relative | undefined> {
    const isKnown = this.#family.subagents.parentOf(threadId) !== undefined;
    return isKnown || !mayAsk ? this.knownParent(threadId) : this.#ask(threadId);
  }

  async #ask(threadId: string): Promise<Relative | undefined> {
    const { subagents, askParent } = this.#family;
    const id = await askParent(threadId);
    // Meanwhile the item may have come that knows more.
    if (id !== undefined && subagents.parentOf(threadId) === undefined) {
      subagents.learn(threadId, id === null ? null : { threadId: id, turnId: undefined });
    }
    return this.knownParent(threadId);
  }

  /** The same without asking anybody. */
  knownParent(threadId: string): Relative | undefined {
    this.#seen.add(threadId);
    const parent = this.#family.subagents.parentOf(threadId);
    if (!parent || this.#seen.has(parent.threadId)) return undefined;
    return { threadId: parent.threadId, turnId: parent.turnId ?? this.#rootTurn };
  }
}
