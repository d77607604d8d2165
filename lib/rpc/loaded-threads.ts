import type { NotificationMessage } from "./message.js";
import { threadIdOf } from "./notification-route.js";
import type { ThreadGate } from "./thread-gate.js";

/**
 * Which threads the server has loaded and reports to this connection. Only of those does a turn
 * bring events: of an unsubscribed thread it would run in silence, and its approvals would hang.
 */
export class LoadedThreads {
  readonly #gate: ThreadGate;
  readonly #loaded = new Set<string>();
  readonly #loading = new Map<string, Promise<void>>();

  constructor(gate: ThreadGate) {
    this.#gate = gate;
  }

  /** Loads the thread with `resume` unless it is loaded; concurrent callers share one attempt. */
  async ensure(threadId: string, resume: () => Promise<unknown>): Promise<void> {
    if (this.#loaded.has(threadId)) return;
    let loading = this.#loading.get(threadId);
    if (!loading) {
      loading = resume()
        .then(() => undefined)
        .finally(() => this.#loading.delete(threadId));
      this.#loading.set(threadId, loading);
    }
    await loading;
  }

  delete(threadId: string): void {
    this.#loaded.delete(threadId);
  }

  /** Learns from the answer to a request. */
  answered(method: string, params: unknown, result: unknown): void {
    switch (method) {
      case "thread/start":
      case "thread/resume":
      case "thread/fork":
        this.#opened(result);
        break;
      case "thread/unsubscribe":
      case "thread/archive":
      case "thread/delete": {
        const { threadId } = params as { threadId?: unknown };
        if (typeof threadId === "string") this.#loaded.delete(threadId);
        break;
      }
    }
  }

  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.#loaded.delete(threadIdOf(message) ?? "");
    }
  }

  #opened(result: unknown): void {
    const thread = (result as { thread?: { id?: unknown; status?: { type?: unknown } } } | null)
      ?.thread;
    if (typeof thread?.id !== "string") return;
    this.#loaded.add(thread.id);
    if (thread.status?.type === "active") this.#gate.setRunning(thread.id, true);
  }
}
