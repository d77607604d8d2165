import type { ThreadBackgroundTerminal } from "../../../generated/types.js";
import { check, type Rule } from "../../errors/check-values.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import { ThreadFacet } from "./thread-facet.js";
import { checkParams } from "../resource.js";

/** Options for listing terminals, as in `thread/backgroundTerminals/list`. */
export type ListTerminalsOptions = Omit<
  ParamsOf<"thread/backgroundTerminals/list">,
  "threadId" | "cursor"
>;

const terminalId: Rule = {
  fits: (value) => typeof value === "string" && /^\d+$/.test(value),
  problem: "must be the processId of a terminal",
};

/**
 * The background commands of a thread: those that the model started and did not wait for. They outlive
 * their turn, also when it is interrupted. Each method loads the thread first. Experimental in the
 * protocol.
 */
export class ThreadTerminals extends ThreadFacet {
  /** Lists the background commands (`thread/backgroundTerminals/list`). */
  list(options: ListTerminalsOptions = {}): Pages<ThreadBackgroundTerminal> {
    checkParams("terminals.list()", "thread/backgroundTerminals/list", options);
    const params = { ...options, threadId: this.threadId };
    return this.pages("thread/backgroundTerminals/list", params, { loaded: true });
  }

  /**
   * Kills one command (`thread/backgroundTerminals/terminate`), by the `processId` that the list and the
   * command's item give: digits of the server's own, no process id of the system. Its item completes as
   * `failed`. Resolves with false when it does not run.
   */
  async terminate(processId: string): Promise<boolean> {
    check("processId", processId, terminalId);
    const params = { threadId: this.threadId, processId };
    return (await this.callLoaded("thread/backgroundTerminals/terminate", params)).terminated;
  }

  /** Kills all background commands (`thread/backgroundTerminals/clean`). */
  async clean(): Promise<void> {
    await this.callLoaded("thread/backgroundTerminals/clean", { threadId: this.threadId });
  }
}
