import type { SandboxPolicy } from "../../generated/types.js";
import type { NotificationMessage } from "../rpc/message.js";
import { isUnlimited, readSandboxPolicy } from "./sandbox-policy.js";

/** As many of the latest threads are kept, loaded or not: about 4 MB. */
const kept = 10_000;

/** The fields that tell of a sandbox, in whatever answer or notification. */
interface Told {
  readonly threadId?: unknown;
  readonly thread?: { readonly id?: unknown } | null;
  readonly sandbox?: unknown;
  readonly sandboxPolicy?: unknown;
  readonly activePermissionProfile?: unknown;
}

/**
 * Under which sandbox threads were last seen. The server stores most sandboxes badly or not at all, so
 * whoever has a thread loaded anew has to say which one it had. It outlives the connection, and the
 * process of the server.
 *
 * Two kinds are not kept: permission profiles, which the server does store, and sandboxes that nothing
 * is wider than.
 */
export class KnownSandboxes {
  readonly #policies = new Map<string, SandboxPolicy>();

  of(threadId: string): SandboxPolicy | undefined {
    return this.#policies.get(threadId);
  }

  learn(threadId: string, policy: SandboxPolicy | undefined): void {
    this.#policies.delete(threadId);
    if (policy === undefined || isUnlimited(policy)) return;
    this.#policies.set(threadId, policy);
    if (this.#policies.size <= kept) return;
    const [oldest] = this.#policies.keys();
    if (oldest !== undefined) this.#policies.delete(oldest);
  }

  /** Learns from the answer to a request. */
  answered(method: string, params: unknown, result: unknown): void {
    switch (method) {
      case "thread/start":
      case "thread/resume":
      case "thread/fork": {
        const told = (result ?? {}) as Told;
        this.#told(told.thread?.id, told.sandbox, told);
        break;
      }
      case "thread/delete":
        this.#policies.delete((params as { threadId: string }).threadId);
    }
  }

  /**
   * Learns from a `turn/start` that began a turn. Connections without experimental methods are told of
   * changed settings in no other way.
   */
  changed(params: unknown): void {
    const { threadId, sandboxPolicy } = (params ?? {}) as Told;
    if (sandboxPolicy) this.#told(threadId, sandboxPolicy, {});
  }

  observe({ method, params }: NotificationMessage): void {
    if (method !== "thread/settings/updated") return;
    const { threadId, threadSettings } = (params ?? {}) as Told & { threadSettings?: Told | null };
    if (threadSettings) this.#told(threadId, threadSettings.sandboxPolicy, threadSettings);
  }

  #told(threadId: unknown, policy: unknown, { activePermissionProfile }: Told): void {
    if (typeof threadId !== "string") return;
    const told = readSandboxPolicy(policy);
    // What is not understood says nothing, and what was known is kept.
    if (activePermissionProfile) this.learn(threadId, undefined);
    else if (told) this.learn(threadId, told);
  }
}
