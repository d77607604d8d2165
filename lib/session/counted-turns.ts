import type { ScopedBudget } from "../usage/budget-book.js";
import type { TurnIdentity } from "../usage/turn-account.js";
import type { LedgerContext, UsageLedger } from "../usage/usage-ledger.js";
import type { SubagentTree } from "./subagent-tree.js";
import type { SubagentParent } from "./thread-state.js";
import type { Threads } from "./threads.js";
import type { TurnRoutes } from "./turn-routes.js";

/** Stops a turn that nobody can follow, or a sub-agent's, whoever looks on. Returns at once, and never throws. */
export type StopTurn = (
  threadId: string,
  turnId: string,
  options?: { readonly evenIfFollowed: boolean },
) => void;

/** What is asked of the session whose turns they are. */
interface CountingSession {
  readonly threads: Threads;
  readonly turns: TurnRoutes;
  readonly usage: UsageLedger;
  readonly shared: boolean;
}

/** Tells the ledger of usage what this connection knows of the turns that it counts, and stops them for it. */
export class CountedTurns implements LedgerContext {
  readonly #session: CountingSession;
  readonly #subagents: SubagentTree;
  readonly #stopTurn: StopTurn;

  constructor(session: CountingSession, subagents: SubagentTree, stopTurn: StopTurn) {
    this.#session = session;
    this.#subagents = subagents;
    this.#stopTurn = stopTurn;
  }

  isOurs(threadId: string, turnId: string): boolean {
    const { shared, threads, turns } = this.#session;
    if (!shared || turns.followersOf(threadId, turnId).length > 0) return true;
    return threads.find(threadId)?.callers.contextOf(turnId) !== undefined;
  }

  parentOf(threadId: string): SubagentParent | null | undefined {
    return this.#subagents.parentOf(threadId);
  }

  stop(
    { threadId, turnId, isSubagent }: TurnIdentity & { readonly isSubagent: boolean },
    exceeded: ScopedBudget,
  ): void {
    const { turns, usage } = this.#session;
    // Whoever follows the turn may do so from the message on that has brought this.
    queueMicrotask(() => {
      if (!usage.isOpen(turnId)) return;
      const followers = turns.followersOf(threadId, turnId);
      const isSeenTo = followers.map((follower) => follower.usedUp?.(exceeded) ?? false);
      if (isSeenTo.includes(true)) return;
      this.#stopTurn(threadId, turnId, { evenIfFollowed: isSubagent });
    });
  }
}
