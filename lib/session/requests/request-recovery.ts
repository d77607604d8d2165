import { copyError } from "../../errors/connection-errors.js";
import type { RequestOverReason } from "../../errors/server-request-errors.js";
import type { FileChanges } from "../../server-requests/file-changes.js";
import type { OpenRequest } from "../../server-requests/open-request.js";
import type { OpenRequests } from "../../server-requests/open-requests.js";
import type { TurnRoutes } from "../turn-routes.js";

/**
 * What becomes of open requests when their connection is replaced. They stay open, for the server
 * sends those again that still wait when their thread is resumed; the rest is over.
 */
export class RequestRecovery {
  readonly #requests: OpenRequests;
  readonly #changes: FileChanges;
  readonly #turns: TurnRoutes;

  constructor(requests: OpenRequests, changes: FileChanges, turns: TurnRoutes) {
    this.#requests = requests;
    this.#changes = changes;
    this.#turns = turns;
  }

  /** The connection is gone; each signal gets a `reason` of its own. */
  dropped(reason: Error): void {
    for (const request of this.#requests.list()) {
      // What names no turn is not sent again, or could not be told from something else.
      const isLost = request.threadId === undefined || request.namedTurnId === undefined;
      if (!isLost) continue;
      request.end(copyError(reason));
      this.#tellTurn(request);
    }
    this.#requests.nextConnection();
  }

  threadIds(): readonly string[] {
    return this.#requests.old().flatMap(({ threadId }) => threadId ?? []);
  }

  /** Whether requests of the thread have not been sent again. */
  hasOld(threadId: string): boolean {
    return this.threadIds().includes(threadId);
  }

  /** Those of the thread that have not been sent again are over: `"resolved"` while its turn runs. */
  over(threadId: string, why: RequestOverReason): void {
    if (why !== "resolved") this.#changes.threadClosed(threadId);
    for (const request of this.#requests.old()) {
      if (request.threadId !== threadId) continue;
      request.endFor(why);
      this.#tellTurn(request);
    }
    this.#requests.forgetOldAnswers(threadId);
  }

  /** As the server would have done, had there been a connection. Of tool calls it never tells. */
  #tellTurn({ method, threadId, turnId, requestId, isEvent }: OpenRequest): void {
    if (method === "item/tool/call" || !isEvent) return;
    if (threadId === undefined || turnId === undefined) return;
    const params = { threadId, requestId };
    this.#turns.deliver(threadId, turnId, { method: "serverRequest/resolved", params });
  }
}
