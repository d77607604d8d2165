import { exportThread } from "../rollouts/export-thread.js";
import { importThread } from "../rollouts/import-thread.js";
import { releaseThread } from "../rollouts/release-thread.js";
import type { RolloutStore } from "../rollouts/rollout-store.js";
import type { Codex } from "../../index.js";
import type { FleetStore } from "../store/fleet-store.js";

/** How long a server may take to unload a thread whose turn has ended (ms). */
const releaseMs = 10_000;

/**
 * Threads that leave a dead host: each is exported after its turn, while that is the first in its line, and imported by
 * the first one of the line elsewhere. The store decides on which host it lies, so that it never lies on two.
 */
export class MovingThreads {
  readonly #store: FleetStore;
  readonly #rollouts: RolloutStore;

  constructor(store: FleetStore, rollouts: RolloutStore) {
    this.#store = store;
    this.#rollouts = rollouts;
  }

  /** Keeps what a turn has added to its thread where other hosts find it. */
  async keep(codex: Codex, threadId: string): Promise<void> {
    await releaseThread(codex, threadId, { timeoutMs: releaseMs });
    const { generation } = await exportThread(codex, threadId, this.#rollouts);
    await this.#store.note(nameOf(threadId), "generation", generation);
  }

  /** Brings a thread here. Resolves with whether it lies here now; a thread that was never kept cannot move. */
  async fetch(codex: Codex, threadId: string, from: string, to: string): Promise<boolean> {
    const atLeast = await this.#store.noteOf(nameOf(threadId), "generation");
    if (typeof atLeast !== "number") return false;
    await importThread(codex, threadId, this.#rollouts, { atLeast });
    return this.#store.moveThread(threadId, from, to);
  }
}

/** Under which the store notes what is known of a thread's rollout. */
function nameOf(threadId: string): string {
  return `rollout/${threadId}`;
}
