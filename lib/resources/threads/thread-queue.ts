import { randomUUID } from "node:crypto";
import { Deferred } from "../../async/deferred.js";
import { checkServiceOptions } from "../../options/option-keys.js";
import type { QueuedSubmission } from "../../../generated/types.js";
import { check, checkText, type Rule } from "../../errors/check-values.js";
import { RequestTimeoutError } from "../../errors/connection-errors.js";
import type { Session } from "../../session/session.js";
import { normalizeInput, type TurnInput } from "../../options/input.js";
import { fieldOf } from "../../messages/field-of.js";
import { confirmEnd, undoneWhenLate } from "../../session/confirm-end.js";
import { prepareInput } from "../../session/prepare-input.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { checkTrace, type Traced } from "../../diagnostics/trace-context.js";
import { Turn } from "../../turn.js";
import { findTurnOfMessage } from "../../turns/find-stored-turn.js";
import { stopUnfollowed, watchForLateTurn } from "../../turns/stop-unfollowed.js";
import { type ServiceTurnOptions } from "../../options/turn-options.js";
import { splitServiceOptions } from "../../options/split-options.js";
import { queuedTurn } from "../../turns/turn-kinds.js";
import { ThreadFacet } from "./thread-facet.js";
import { checkParams } from "../resource.js";

/**
 * Options of queued input, as in `thread/queue/add`. `clientUserMessageId` comes back as the `clientId` of
 * the turn's `userMessage` item, which tells whose turn it is; default: a fresh UUID.
 */
export type AddToQueueOptions = Partial<Omit<ParamsOf<"thread/queue/add">, "threadId" | "input">> &
  Traced;
/** Options of changed input, as in `thread/queue/update`; those that are left out stay as they are. */
export type UpdateQueuedOptions = Omit<
  ParamsOf<"thread/queue/update">,
  "threadId" | "queuedSubmissionId" | "input"
> &
  Traced;
/** Options for listing the queue, as in `thread/queue/list`. */
export type ListQueueOptions = Omit<ParamsOf<"thread/queue/list">, "threadId" | "cursor">;

/**
 * The thread's queue: input that the server keeps. The server starts a turn for each entry when the thread
 * is idle, with the settings that the thread has then. `thread.unsolicitedTurns()` yields these turns;
 * they go before turns that wait here in the library.
 *
 * After an interrupted turn the queue stands still, also for later input and after the thread is loaded
 * anew, until `start()`, or until another turn has completed or failed. A queue whose turn died with the
 * server's process goes on as soon as the thread is loaded.
 *
 * The server holds at most 100 entries for each thread. Experimental in the protocol.
 */
export class ThreadQueue extends ThreadFacet {
  /**
   * Puts input at the end of the queue (`thread/queue/add`), loading the thread first. A turn that
   * a handle has begun before goes first. Resolves when its turn has started, or has to wait.
   *
   * @throws InvalidArgumentError for input that cannot work; InvalidRequestError when the queue is
   * full; RequestTimeoutError, after which input that is queued late all the same is taken out again.
   */
  async add(input: TurnInput, options: AddToQueueOptions = {}): Promise<QueuedSubmission> {
    const given = normalizeInput(input);
    checkParams("queue.add()", "thread/queue/add", options, { trace: true });
    const { trace, ...rest } = options;
    checkTrace(trace);
    const threadId = this.threadId;
    const clientUserMessageId = options.clientUserMessageId ?? randomUUID();
    const session = await this.getSession("thread/queue/add");
    // A large file takes its time, in which nothing else says that the connection is needed.
    const items = await session.activity.during(() => prepareInput(session, given));
    const params = { ...rest, threadId, input: items, clientUserMessageId };
    await session.load(threadId);
    const leave = await startsBefore(session, threadId);
    try {
      // While it waited, the thread may have been let go of.
      await session.load(threadId);
    } catch (error) {
      leave();
      throw error;
    }
    // Called before leaving, and at once: from the call on, the connection itself keeps handles
    // waiting until it is clear whether a turn starts.
    const late = takesBackLateInput(session, threadId, clientUserMessageId);
    const answer = session.call("thread/queue/add", params, { ...late, trace });
    leave();
    const { queuedSubmission } = await answer.catch((error: unknown) => {
      // Of an id that the caller has chosen, a second attempt may be under way.
      const isOurs = options.clientUserMessageId === undefined;
      if (isOurs && error instanceof RequestTimeoutError && error.sent) {
        watchForLateTurn(
          session,
          threadId,
          (item) => fieldOf(item, "clientId") === clientUserMessageId,
        );
      }
      throw error;
    });
    (await startsBefore(session, threadId))();
    return queuedSubmission;
  }

  /** Lists the queued input (`thread/queue/list`), in the order of its turns. */
  list(options: ListQueueOptions = {}): Pages<QueuedSubmission> {
    checkParams("queue.list()", "thread/queue/list", options);
    return this.pages("thread/queue/list", { ...options, threadId: this.threadId });
  }

  /** Replaces the input of a queued entry (`thread/queue/update`), which keeps its place. */
  async update(
    queuedSubmissionId: string,
    input: TurnInput,
    options: UpdateQueuedOptions = {},
  ): Promise<QueuedSubmission> {
    checkText("queuedSubmissionId", queuedSubmissionId);
    const given = normalizeInput(input);
    checkParams("queue.update()", "thread/queue/update", options, { trace: true });
    const { trace, ...rest } = options;
    checkTrace(trace);
    const session = await this.getSession();
    const items = await session.activity.during(() => prepareInput(session, given));
    const params = { ...rest, threadId: this.threadId, queuedSubmissionId, input: items };
    return (await session.call("thread/queue/update", params, { trace })).queuedSubmission;
  }

  /**
   * Removes an entry from the queue (`thread/queue/delete`). Resolves with false when it is not queued,
   * for example because its turn has begun.
   */
  async delete(queuedSubmissionId: string): Promise<boolean> {
    checkText("queuedSubmissionId", queuedSubmissionId);
    const params = { threadId: this.threadId, queuedSubmissionId };
    return (await this.call("thread/queue/delete", params)).deleted;
  }

  /** Puts the queue in this order (`thread/queue/reorder`), which must name all entries. */
  async reorder(queuedSubmissionIds: readonly string[]): Promise<void> {
    check("queuedSubmissionIds", queuedSubmissionIds, idList);
    const params = { threadId: this.threadId, queuedSubmissionIds: [...queuedSubmissionIds] };
    await this.call("thread/queue/reorder", params);
  }

  /**
   * Starts a queue that stands still (`thread/queue/start`), beginning with the entry that `options`
   * names, or with the first. Returns that turn at once; the server then goes on with the others.
   *
   * The turn fails with a ThreadBusyError when one runs already, after which the queue goes on by itself,
   * and with an InvalidRequestError when the queue is empty.
   */
  start(
    options: Omit<ServiceTurnOptions, "whenBusy"> & {
      queuedSubmissionId?: string | undefined;
    } = {},
  ): Turn {
    checkServiceOptions("queue.start()", options, { queuedSubmissionId: true });
    const { queuedSubmissionId, ...rest } = options;
    if (queuedSubmissionId !== undefined) checkText("queuedSubmissionId", queuedSubmissionId);
    const { controls, handlers } = splitServiceOptions({ ...rest, whenBusy: "reject" });
    const start = queuedTurn(queuedSubmissionId);
    return new Turn(this.getSession, { threadId: this.threadId, start, controls, handlers });
  }
}

/**
 * If input is queued after the deadline, when nobody waits for it, it is taken out of the queue; if its
 * turn has begun by then, that is interrupted.
 */
function takesBackLateInput(session: Session, threadId: string, clientId: string): RequestOptions {
  return undoneWhenLate("If it does, this client takes it out of the queue.", (result) => {
    const { queuedSubmission } = (result ?? {}) as { queuedSubmission?: { id?: unknown } | null };
    const id = queuedSubmission?.id;
    if (typeof id === "string") void takeBack(session, threadId, id, clientId);
  });
}

async function takeBack(session: Session, threadId: string, id: string, clientId: string) {
  const params = { threadId, queuedSubmissionId: id };
  const answer = await confirmEnd(session, "thread/queue/delete", params);
  if (answer?.deleted !== false) return;
  const turnId = await findTurnOfMessage(session, threadId, clientId).catch(() => undefined);
  if (turnId !== undefined) await stopUnfollowed(session, threadId, turnId);
}

const idList: Rule = { fits: Array.isArray, problem: "must be an array of ids" };

/**
 * Waits while a turn is about to start: were the queue faster than a handle, the handle's input
 * would become part of the queued turn. Until the function that it resolves with is called, no other
 * handle starts one.
 */
async function startsBefore(session: Session, threadId: string): Promise<() => void> {
  const { slots } = session.thread(threadId);
  const slot = slots.enter({ wait: true });
  const started = new Deferred<void>();
  const stop = session.on("turn/started", ({ params }) => {
    if (params.threadId === threadId) started.resolve();
  });
  if (!slots.isRunning) await Promise.race([slot.admitted, started.promise]);
  stop();
  return () => {
    slot.leave();
  };
}
