import type { ApprovalsReviewer, AskForApproval, SandboxPolicy } from "../../generated/types.js";
import { callerContext } from "../async/caller-context.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { readApprovals } from "../messages/approval-settings.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import {
  handlersByMethod,
  type HandlerScope,
  type MethodHandler,
} from "../server-requests/handlers-by-method.js";
import type { Tool } from "../tools/tool.js";
import type { Budget } from "../usage/budget.js";
import { isUnlimited, readSandboxPolicy } from "./sandbox/sandbox-policy.js";

/** What decides what may run on a thread without being asked about. */
export interface ThreadSettings {
  readonly sandbox?: SandboxPolicy | undefined;
  readonly approvalPolicy?: AskForApproval | undefined;
  readonly approvalsReviewer?: ApprovalsReviewer | undefined;
}

/** Who answers for a thread. A handle keeps one object of this kind for as long as it lives. */
export interface ThreadScope extends HandlerScope {
  readonly handlers?: RequestHandlers | undefined;
  /** What the thread's turns may use together. */
  readonly budget?: Budget | undefined;
}

/** What a handle is given now; undefined when that is nothing. */
export function threadScope({ handlers, tools, budget }: ThreadScope): ThreadScope | undefined {
  const isGiven = handlers !== undefined || tools !== undefined || budget !== undefined;
  return isGiven ? { handlers, tools, budget, context: callerContext() } : undefined;
}

/** What all handles of one thread have given, the newest in front. */
interface Given {
  handlers: ReadonlyMap<string, MethodHandler>;
  tools: readonly Tool[] | undefined;
}

interface Remembered {
  settings: ThreadSettings;
  /** The sandbox that the next turn of the thread has to name. */
  owed: SandboxPolicy | undefined;
  given: Given | undefined;
  model: string | undefined;
}

/** The fields that tell of settings, in whatever answer or notification. */
interface Told {
  readonly threadId?: unknown;
  readonly thread?: { readonly id?: unknown } | null;
  readonly sandbox?: unknown;
  readonly sandboxPolicy?: unknown;
  readonly activePermissionProfile?: unknown;
  readonly permissions?: unknown;
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
  readonly model?: unknown;
}

/** As many of the latest threads are remembered, loaded or not: about 5 MB. */
const kept = 10_000;
/** So many more may come before the oldest are forgotten. */
const batch = 1_024;
/** Handlers hold what their functions refer to, so they are kept of fewer: of the latest, loaded or not. */
const keptGiven = 1_024;

const nothing: ThreadSettings = {};
const blank: Remembered = {
  settings: nothing,
  owed: undefined,
  given: undefined,
  model: undefined,
};

/**
 * What is remembered of threads. It outlives the connection, and the process of the server.
 *
 * The settings with which they were last seen: the server stores most sandboxes badly or not at all, and
 * replaces what an administrator's requirements forbid, so whoever has a thread loaded anew has to know what
 * it had. Two kinds of sandboxes are not kept: permission profiles, which the server does store, and sandboxes
 * that nothing is wider than.
 *
 * Their handlers and tools. Handlers are kept by the method that they answer, however they were given: what a
 * newer handle of the thread names, it answers instead of the older ones, and the kinds of request that it
 * leaves out keep the older handle's handler. A handle becomes part of this when it is first used, and using
 * it again changes nothing.
 */
export class ThreadMemory {
  /** Says which threads the connection of this moment has loaded: of these all is kept. */
  isLoaded: (threadId: string) => boolean = () => false;
  /** The oldest first. */
  readonly #threads = new Map<string, Remembered>();
  /** Where each handle's scope went. It brings back what newer handles said if the thread was dropped. */
  readonly #bound = new WeakMap<ThreadScope, Given>();
  /** How many threads have handlers or tools. */
  #givenCount = 0;
  #maxSize = kept + batch;
  #maxGiven = 2 * keptGiven;

  /** How many threads have handlers or tools. */
  get givenCount(): number {
    return this.#givenCount;
  }

  settingsOf(threadId: string): ThreadSettings {
    return this.#threads.get(threadId)?.settings ?? nothing;
  }

  /** The model of its next turn, as the server told it last or a turn has set it. */
  modelOf(threadId: string): string | undefined {
    return this.#threads.get(threadId)?.model;
  }

  /** Takes the place of what was known; a setting that is left out stays as it is. */
  learn(threadId: string, settings: ThreadSettings): void {
    const remembered = this.#touch(threadId);
    const { sandbox, ...approvals } = { ...remembered.settings, ...settings };
    const isKept = sandbox !== undefined && !isUnlimited(sandbox);
    remembered.settings = isKept ? { ...approvals, sandbox } : approvals;
  }

  /** The sandbox of a thread that begins with its next turn: `turn/start` has to name it. */
  owe(threadId: string, policy: SandboxPolicy): void {
    this.#touch(threadId).owed = policy;
  }

  /** What a turn has to name beside its own settings. */
  owedTo(threadId: string): { sandboxPolicy?: SandboxPolicy } {
    const sandboxPolicy = this.#threads.get(threadId)?.owed;
    return sandboxPolicy ? { sandboxPolicy } : {};
  }

  /** Whether handles of the thread have given handlers or tools. */
  has(threadId: string): boolean {
    return this.#threads.get(threadId)?.given !== undefined;
  }

  handlerOf(threadId: string, method: string): MethodHandler | undefined {
    return this.#threads.get(threadId)?.given?.handlers.get(method);
  }

  toolsOf(threadId: string): readonly Tool[] | undefined {
    return this.#threads.get(threadId)?.given?.tools;
  }

  /** To be called whenever a handle is used; merges no scope twice. */
  bind(threadId: string, scope: ThreadScope): void {
    const remembered = this.#touch(threadId);
    const before = this.#bound.get(scope);
    if (!remembered.given) this.#givenCount += 1;
    const given = (remembered.given ??= before ?? { handlers: new Map(), tools: undefined });
    if (!before) {
      putOver(given, { handlers: handlersByMethod(scope), tools: scope.tools });
    } else if (before !== given) {
      // The thread was dropped, and newer handles have been used since.
      putOver(before, given);
      Object.assign(given, before);
    }
    this.#bound.set(scope, given);
    if (this.#givenCount > this.#maxGiven) this.#forgetGiven();
  }

  delete(threadId: string): void {
    if (this.has(threadId)) this.#givenCount -= 1;
    this.#threads.delete(threadId);
  }

  observe({ method, params }: NotificationMessage): void {
    const { threadId, threadSettings } = (params ?? {}) as Told & { threadSettings?: Told | null };
    if (method === "thread/settings/updated" && threadSettings) {
      this.#told(threadId, threadSettings.sandboxPolicy, threadSettings);
    } else if (method === "thread/deleted" && typeof threadId === "string") {
      this.delete(threadId);
    }
  }

  /** Learns from the answer to a request; `before` is what was known of the thread when it was sent. */
  answered(method: string, params: unknown, result: unknown, before: ThreadSettings): void {
    switch (method) {
      case "thread/start":
      case "thread/resume":
      case "thread/fork": {
        const told = (result ?? {}) as Told;
        this.#told(told.thread?.id, told.sandbox, told);
        break;
      }
      case "thread/settings/update":
        this.#updated(params ?? {}, before);
        break;
      case "thread/delete":
        this.delete((params as { threadId: string }).threadId);
    }
  }

  /**
   * Learns from a `turn/start` that began a turn. Connections without experimental methods are told of a
   * changed sandbox in no other way; the others are told of all that it comes to (`isTold`).
   */
  begun(params: unknown, { isTold }: { isTold: boolean }): void {
    const { threadId, sandboxPolicy, ...told } = (params ?? {}) as Told;
    const { approvalPolicy, approvalsReviewer, model } = told;
    const remembered = this.#threads.get(threadId as string);
    if (remembered) remembered.owed = undefined;
    const settings = { approvalPolicy, approvalsReviewer, model };
    this.#told(threadId, isTold ? undefined : sandboxPolicy, settings);
  }

  /** The server tells what it comes to behind its answer, and not to a client that has let go of the thread by then. */
  #updated(
    { threadId, sandboxPolicy, permissions, ...approvals }: Told,
    before: ThreadSettings,
  ): void {
    if (typeof threadId !== "string") return;
    const isTold = this.settingsOf(threadId).sandbox !== before.sandbox;
    const activePermissionProfile = isTold ? undefined : permissions;
    this.#told(threadId, isTold ? undefined : sandboxPolicy, {
      ...approvals,
      activePermissionProfile,
    });
  }

  #told(threadId: unknown, policy: unknown, told: Told): void {
    if (typeof threadId !== "string") return;
    const sandbox = readSandboxPolicy(policy);
    // What is not understood says nothing, and what was known is kept.
    const settings = {
      ...readApprovals(told),
      ...(sandbox && { sandbox }),
      ...(told.activePermissionProfile ? { sandbox: undefined } : {}),
    };
    if (Object.keys(settings).length > 0) this.learn(threadId, settings);
    if (typeof told.model === "string") this.#touch(threadId).model = told.model;
  }

  /** What is remembered of the thread, which becomes the newest. */
  #touch(threadId: string): Remembered {
    const remembered = this.#threads.get(threadId);
    if (!remembered && this.#threads.size >= this.#maxSize) this.#forgetOldest();
    this.#threads.delete(threadId);
    const latest = remembered ?? { ...blank };
    this.#threads.set(threadId, latest);
    return latest;
  }

  /**
   * Forgets the threads that are not loaded. Not as soon as the server says so: it says it of a thread
   * that is resumed at that very moment, too.
   */
  #forgetOldest(): void {
    for (const threadId of this.#threads.keys()) {
      if (this.#threads.size <= kept) break;
      if (!this.isLoaded(threadId)) this.delete(threadId);
    }
    this.#maxSize = Math.max(kept, this.#threads.size) + batch;
  }

  #forgetGiven(): void {
    let old = this.#givenCount - keptGiven;
    for (const [threadId, remembered] of this.#threads) {
      if (old === 0) break;
      if (!remembered.given) continue;
      old -= 1;
      if (this.isLoaded(threadId)) continue;
      remembered.given = undefined;
      this.#givenCount -= 1;
    }
    this.#maxGiven = 2 * Math.max(keptGiven, this.#givenCount);
  }
}

function putOver(older: Given, newer: Given): void {
  older.handlers = new Map([...older.handlers, ...newer.handlers]);
  older.tools = newer.tools ?? older.tools;
}
