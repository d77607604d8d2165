import { withoutKeys } from "../../errors/check-options.js";
import type { BoundTools, Codex, RequestHandlers, Thread, Turn } from "../../index.js";
import type { SendingMark } from "../store/fleet-store.js";
import type { Attempt } from "./attempt.js";
import { HandedOverError } from "./handed-over-error.js";
import { busyMs, park } from "./park-job.js";
import type { TurnJobInfo } from "./turn-worker-options.js";

/** The turn of one job, and the client and the thread that it needs: sent here, or looked for. */
export class JobTurn {
  readonly #attempt: Attempt;
  #codex: Codex | undefined;
  #handle: Turn | undefined;

  constructor(attempt: Attempt) {
    this.#attempt = attempt;
  }

  /** Undefined until the client was needed. */
  get codex(): Codex | undefined {
    return this.#codex;
  }

  /** The newest handle on the turn; undefined before it is sent or looked for. */
  get handle(): Turn | undefined {
    return this.#handle;
  }

  /** The client for a turn that may run already: that there is none yet is no failure of the turn. */
  async clientOrPark(): Promise<Codex> {
    try {
      return await this.#client();
    } catch (error) {
      this.#attempt.context.settings.onError(error);
      return park(this.#attempt, busyMs);
    }
  }

  /** Begins or loads the thread: what takes long is done before the mark is set. */
  async openThread(): Promise<Thread> {
    const { id, request, context } = this.#attempt;
    const { store, line, settings } = context;
    const codex = await this.#client();
    const { tools } = this.#bound();
    const { newThread, owner } = request;
    const known = this.#attempt.threadId;
    const thread =
      known === null
        ? await codex.startThread({ ...newThread, tools })
        : await codex.resumeThread(known, { tools });
    this.#attempt.threadId = thread.id;
    // Nobody else can know a new thread before its turn has its place.
    if (known === null) await line.isFirst(thread.id, id);
    const host = await store.settleThread(thread.id, settings.host);
    if (host !== settings.host) throw new HandedOverError();
    if (owner !== "") await store.streams.ownThread(thread.id, owner);
    return thread;
  }

  send(thread: Thread, { messageId }: SendingMark): Turn {
    const { lease, request } = this.#attempt;
    // This process may have been stopped since the lock was renewed.
    if (!lease.isSure) throw new HandedOverError();
    this.#handle = thread.turn([...request.input], {
      ...request.options,
      ...this.#handlers(),
      clientUserMessageId: messageId,
      whenBusy: "reject",
      onBreak: "detach",
    });
    return this.#handle;
  }

  /** Looks for the turn, which was sent once, by whomever. */
  attach({ threadId, messageId }: SendingMark): Turn {
    if (!this.#codex) throw new HandedOverError();
    const { outputSchema, timeoutMs, idleTimeoutMs } = this.#attempt.request.options;
    const { tools } = this.#bound();
    this.#handle = this.#codex
      .thread(threadId, { tools })
      .attachTurn(
        { clientUserMessageId: messageId },
        { outputSchema, timeoutMs, idleTimeoutMs, ...this.#handlers() },
      );
    return this.#handle;
  }

  async #client(): Promise<Codex> {
    this.#codex ??= await this.#attempt.context.settings.codexFor(this.#info());
    return this.#codex;
  }

  #info(): TurnJobInfo {
    const { id, request, threadId } = this.#attempt;
    const { owner, newThread, options } = request;
    return {
      id,
      owner,
      threadId: threadId ?? undefined,
      newThread: newThread ?? undefined,
      options,
    };
  }

  #bound(): RequestHandlers & BoundTools {
    return this.#attempt.context.settings.handlersFor?.(this.#info()) ?? {};
  }

  /** Who answers what the turn asks: the worker's own handlers, else whoever answers from any machine. */
  #handlers(): RequestHandlers {
    return { ...this.#attempt.answers.handlers, ...withoutKeys(this.#bound(), "tools") };
  }
}
