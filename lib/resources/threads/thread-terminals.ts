import { threadBackgroundTerminalsListParamsKeys } from "../../../generated/methods.js";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type {
  ThreadBackgroundTerminal,
  ThreadBackgroundTerminalsListParams,
} from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { GetSession } from "../../session/session.js";
import type { Pages } from "../../options/pages.js";
import type { AllowUndefined } from "../../protocol.js";
import { Resource } from "../resource.js";

/** Options for listing terminals, as in `thread/backgroundTerminals/list`. */
export type ListTerminalsOptions = AllowUndefined<
  Omit<ThreadBackgroundTerminalsListParams, "threadId" | "cursor">
>;

const listKeys: KeysOf<ListTerminalsOptions> = threadBackgroundTerminalsListParamsKeys;

/**
 * The background commands of a thread: those that the model started and did not wait for. They outlive
 * their turn, also when it is interrupted. Each method loads the thread first. Experimental in the
 * protocol.
 */
export class ThreadTerminals extends Resource {
  readonly #threadId: string;

  /** @internal Use `thread.terminals`. */
  constructor(getSession: GetSession, threadId: string) {
    super(getSession);
    this.#threadId = threadId;
  }

  /** Lists the background commands (`thread/backgroundTerminals/list`). */
  list(options: ListTerminalsOptions = {}): Pages<ThreadBackgroundTerminal> {
    checkOptions("terminals.list()", options, listKeys);
    const params = { ...options, threadId: this.#threadId };
    return this.pages("thread/backgroundTerminals/list", params, { loaded: true });
  }

  /**
   * Kills one command (`thread/backgroundTerminals/terminate`), by the `processId` that the list and the
   * command's item give: digits of the server's own, no process id of the system. Its item completes as
   * `failed`. Resolves with false when it does not run.
   */
  async terminate(processId: string): Promise<boolean> {
    if (typeof processId !== "string" || !/^\d+$/.test(processId)) {
      throw new InvalidArgumentError("processId", "must be the processId of a terminal");
    }
    const threadId = this.#threadId;
    const params = { threadId, processId };
    const method = "thread/backgroundTerminals/terminate";
    return (await this.callLoaded(method, params)).terminated;
  }

  /** Kills all background commands (`thread/backgroundTerminals/clean`). */
  async clean(): Promise<void> {
    const threadId = this.#threadId;
    await this.callLoaded("thread/backgroundTerminals/clean", { threadId });
  }
}
