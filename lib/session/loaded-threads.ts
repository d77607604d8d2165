import { threadIdIn } from "../messages/id-of.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { threadIdOf } from "../messages/message-ids.js";
import type { TurnSlots } from "./turn-slots.js";

/**
 * Which threads the server has loaded and reports to this connection. Only of those does a turn
 * bring events: of an unsubscribed thread it would run in silence, and its approvals would hang.
 */
export class LoadedThreads {
  readonly #slots: TurnSlots;
  readonly #unsubscribed: (threadId: string) => void;
  readonly #loaded = new Set<string>();
  /** Those of them that this client has made itself. */
  readonly #made = new Set<string>();
  readonly #loading = new Map<string, Promise<void>>();

  /** Calls `unsubscribed` when no more events of a thread will come, though a turn may run there. */
  constructor(slots: TurnSlots, unsubscribed: (threadId: string) => void) {
    this.#slots = slots;
    this.#unsubscribed = unsubscribed;
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

  has(threadId: string): boolean {
    return this.#loaded.has(threadId);
  }

  ids(): readonly string[] {
    return [...this.#loaded];
  }

  /** Whether this client has started or forked the thread, and kept it loaded since. */
  isMade(threadId: string): boolean {
    return this.#made.has(threadId);
  }

  delete(threadId: string): void {
    this.#loaded.delete(threadId);
    this.#made.delete(threadId);
  }

  /**
   * Learns from a request that is about to be sent. Some make the server run a turn that no handle
   * follows, and are answered before it says so: our own turns have to wait from now on. Returns
   * what to call when the request fails.
   */
  asked(method: string, params: unknown): () => void {
    const threadId = threadIdIn(params);
    // Of a thread that is not loaded, nothing would tell the end of the turn.
    if (threadId === undefined || !this.#loaded.has(threadId)) return noop;
    const isBusy = this.#slots.isBusy(threadId);
    if (!startsTurn(method, isBusy) || this.#slots.isRunning(threadId)) return noop;
    return this.#slots.expectTurn(threadId);
  }

  /** Learns from the answer to a request. */
  answered(method: string, params: unknown, result: unknown): void {
    switch (method) {
      case "thread/start":
      case "thread/resume":
      case "thread/fork":
        this.#opened(result, method !== "thread/resume");
        break;
      case "thread/unsubscribe":
      case "thread/archive":
      case "thread/delete": {
        const threadId = threadIdIn(params) ?? "";
        this.delete(threadId);
        // Whatever still runs there, nothing more is heard of it; loading the thread again tells.
        this.#slots.setRunning(threadId, false);
        if (method === "thread/unsubscribe") this.#unsubscribed(threadId);
        break;
      }
    }
  }

  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.delete(threadIdOf(message) ?? "");
    }
  }

  #opened(result: unknown, made: boolean): void {
    const thread = (result as { thread?: { id?: unknown; status?: { type?: unknown } } } | null)
      ?.thread;
    if (typeof thread?.id !== "string") return;
    this.#loaded.add(thread.id);
    if (made) this.#made.add(thread.id);
    if (thread.status?.type === "active") this.#slots.setRunning(thread.id, true);
  }
}

function startsTurn(method: string, isBusy: boolean): boolean {
  switch (method) {
    case "thread/compact/start":
    case "review/start":
      return true;
    case "turn/start":
    case "thread/queue/start":
    case "thread/shellCommand":
      // On a busy thread they become part of the turn that runs, or belong to the handle inside.
      return !isBusy;
    default:
      return false;
  }
}

function noop(): void {}
