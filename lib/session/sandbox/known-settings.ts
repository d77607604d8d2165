import type { ApprovalsReviewer, AskForApproval, SandboxPolicy } from "../../../generated/types.js";
import { BoundedMap } from "../../async/bounded-map.js";
import type { NotificationMessage } from "../../jsonrpc/message.js";
import { readApprovalPolicy, readApprovalsReviewer } from "../../messages/approval-settings.js";
import { isUnlimited, readSandboxPolicy } from "./sandbox-policy.js";

/** As many of the latest threads are kept, loaded or not: about 5 MB. */
const kept = 10_000;

/** What is known of a thread: what decides what may run on it without being asked about. */
export interface ThreadSettings {
  readonly sandbox?: SandboxPolicy | undefined;
  readonly approvalPolicy?: AskForApproval | undefined;
  readonly approvalsReviewer?: ApprovalsReviewer | undefined;
}

/** The fields that tell of it, in whatever answer or notification. */
interface Told {
  readonly threadId?: unknown;
  readonly thread?: { readonly id?: unknown } | null;
  readonly sandbox?: unknown;
  readonly sandboxPolicy?: unknown;
  readonly activePermissionProfile?: unknown;
  readonly permissions?: unknown;
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
}

const nothing: ThreadSettings = {};

/**
 * With which settings threads were last seen. The server stores most sandboxes badly or not at all, and
 * replaces what an administrator's requirements forbid, so whoever has a thread loaded anew has to know
 * what it had. It outlives the connection, and the process of the server.
 *
 * Two kinds of sandboxes are not kept: permission profiles, which the server does store, and sandboxes
 * that nothing is wider than.
 */
export class KnownSettings {
  readonly #threads = new BoundedMap<string, ThreadSettings>(kept, (threadId) => {
    this.#owed.delete(threadId);
  });
  /** The sandboxes that the next turn of a thread has to name. */
  readonly #owed = new Map<string, SandboxPolicy>();

  of(threadId: string): ThreadSettings {
    return this.#threads.get(threadId) ?? nothing;
  }

  /** Takes the place of what was known; a setting that is left out stays as it is. */
  learn(threadId: string, settings: ThreadSettings): void {
    const { sandbox, ...approvals } = { ...this.#threads.get(threadId), ...settings };
    const isKept = sandbox !== undefined && !isUnlimited(sandbox);
    this.#threads.set(threadId, isKept ? { ...approvals, sandbox } : approvals);
  }

  /** The sandbox of a thread that begins with its next turn: `turn/start` has to name it. */
  owe(threadId: string, policy: SandboxPolicy): void {
    this.#owed.set(threadId, policy);
  }

  /** What a turn has to name beside its own settings. */
  owedTo(threadId: string): { sandboxPolicy?: SandboxPolicy } {
    const sandboxPolicy = this.#owed.get(threadId);
    return sandboxPolicy ? { sandboxPolicy } : {};
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
        this.#forget((params as { threadId: string }).threadId);
    }
  }

  /**
   * Learns from a `turn/start` that began a turn. Connections without experimental methods are told of a
   * changed sandbox in no other way; the others are told of all that it comes to (`isTold`).
   */
  begun(params: unknown, { isTold }: { isTold: boolean }): void {
    const { threadId, sandboxPolicy, approvalPolicy, approvalsReviewer } = (params ?? {}) as Told;
    if (typeof threadId === "string") this.#owed.delete(threadId);
    this.#told(threadId, isTold ? undefined : sandboxPolicy, { approvalPolicy, approvalsReviewer });
  }

  observe({ method, params }: NotificationMessage): void {
    if (method !== "thread/settings/updated") return;
    const { threadId, threadSettings } = (params ?? {}) as Told & { threadSettings?: Told | null };
    if (threadSettings) this.#told(threadId, threadSettings.sandboxPolicy, threadSettings);
  }

  /** The server tells what it comes to behind its answer, and not to a client that has let go of the thread by then. */
  #updated(
    { threadId, sandboxPolicy, permissions, ...approvals }: Told,
    before: ThreadSettings,
  ): void {
    if (typeof threadId !== "string") return;
    const isTold = this.of(threadId).sandbox !== before.sandbox;
    const activePermissionProfile = isTold ? undefined : permissions;
    this.#told(threadId, isTold ? undefined : sandboxPolicy, {
      ...approvals,
      activePermissionProfile,
    });
  }

  #told(threadId: unknown, policy: unknown, told: Told): void {
    if (typeof threadId !== "string") return;
    const sandbox = readSandboxPolicy(policy);
    const approvalPolicy = readApprovalPolicy(told.approvalPolicy);
    const approvalsReviewer = readApprovalsReviewer(told.approvalsReviewer);
    // What is not understood says nothing, and what was known is kept.
    const settings = {
      ...(approvalPolicy && { approvalPolicy }),
      ...(approvalsReviewer && { approvalsReviewer }),
      ...(sandbox && { sandbox }),
      ...(told.activePermissionProfile ? { sandbox: undefined } : {}),
    };
    if (Object.keys(settings).length > 0) this.learn(threadId, settings);
  }

  #forget(threadId: string): void {
    this.#threads.delete(threadId);
    this.#owed.delete(threadId);
  }
}
