import { throwIfAborted } from "../async/abort.js";
import { checkSignal } from "../errors/check-values.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import type { ReconnectingConnection, Send } from "../jsonrpc/reconnecting-connection.js";
import { retryWhileOpen, type RetryOptions } from "../jsonrpc/retry.js";
import { beforeSending } from "../jsonrpc/within-deadline.js";
import { textOf } from "../messages/field-of.js";
import type { ResolvedSettings } from "../options/options.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import type { LedgerContext, UsageLedger } from "../usage/usage-ledger.js";
import type { Call } from "./call.js";
import type { IdleThreads } from "./idle-threads.js";
import type { RateLimitsHolder } from "./rate-limits-holder.js";
import type { ThreadsWithoutTurns } from "./recovery/threads-without-turns.js";
import type { ThreadMemory } from "./thread-memory.js";
import type { Threads } from "./threads.js";

interface RequestParts {
  readonly connection: ReconnectingConnection;
  readonly threads: Threads;
  readonly threadsWithoutTurns: ThreadsWithoutTurns;
  readonly memory: ThreadMemory;
  readonly rateLimits: RateLimitsHolder;
  readonly usage: UsageLedger;
  readonly countedTurns: LedgerContext;
  /** Aborts when the connection is over. */
  readonly closed: AbortSignal;
  readonly idleThreads: IdleThreads | undefined;
}

/** Sends the requests of this client. Each is learnt from when it is sent, and when it is answered. */
export class ClientRequests {
  readonly #settings: ResolvedSettings;
  readonly #parts: RequestParts;

  constructor(settings: ResolvedSettings, parts: RequestParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  /** While the connection is being restored, it waits for that, within its deadline. */
  async request<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
  ): Promise<ResultOf<M>> {
    const { connection, threads, threadsWithoutTurns } = this.#parts;
    // Before anything that takes time, or that is sent on the way to this request.
    checkSignal(options.signal);
    throwIfAborted(options.signal);
    // What is learnt from a request holds from when it is sent, so it waits before that.
    const left = connection.isDown ? await connection.untilUp(method, options) : options;
    const threadId = textOf(params, "threadId") ?? "";
    const isUnstored = threads.find(threadId)?.isUnstored === true;
    if (isUnstored) {
      await beforeSending(method, threadsWithoutTurns.beforeRequest(threadId, method));
    }
    const { retryOnOverload } = this.#settings;
    const send: Send = (...args) => connection.request(...args);
    const result = await this.#exchange(method, params, left, { send, retry: retryOnOverload });
    if (isUnstored) await threadsWithoutTurns.afterRequest(threadId, method, result);
    return result;
  }

  /** Sends requests over a connection that is not in its place yet. */
  over(send: Send): Call {
    // Nobody else would repeat what a server refuses that has just started, and is too busy.
    const retry = this.#settings.retryOnOverload ?? {};
    return (method, params, options) => this.#exchange(method, params, options, { send, retry });
  }

  async #exchange<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options: RequestOptions = {},
    { send, retry }: { send: Send; retry: RetryOptions | undefined },
  ): Promise<ResultOf<M>> {
    const { threads, memory, rateLimits, usage, countedTurns, closed } = this.#parts;
    const request = () => send(method, params, options);
    const threadId = textOf(params, "threadId");
    const known = memory.settingsOf(threadId ?? "");
    const thread = threadId === undefined ? undefined : threads.open(threadId);
    const begins = method === "turn/start" && thread?.slots.isRunning === false;
    const settled = thread?.asked(method, params);
    const loaded =
      method === "thread/resume" && threadId !== undefined
        ? this.#askedToLoad(threadId, send)
        : undefined;
    try {
      const signals = { signal: options.signal, closed };
      const result = await (retry ? retryWhileOpen(method, request, retry, signals) : request());
      this.#opened(method, result);
      settled?.(result);
      memory.answered(method, params, result, known);
      if (begins) memory.begun(params, { isTold: this.#settings.experimentalApi });
      loaded?.(true, statusIn(result));
      rateLimits.answered(method, result);
      const about = { begins: begins && !this.#settings.experimentalApi };
      usage.answered(method, params, result, about, countedTurns);
      return result as ResultOf<M>;
    } catch (error) {
      settled?.();
      loaded?.(false);
      throw error;
    } finally {
      if (threadId !== undefined) threads.tidy(threadId);
    }
  }

  /** Finds out whether the server will start a turn when it loads the thread. */
  #askedToLoad(threadId: string, send: Send): (isLoaded: boolean, status?: unknown) => void {
    const call: Call = (method, question, options) =>
      this.#exchange(method, question, options, { send, retry: undefined });
    return this.#parts.threads.open(threadId).load.loading(call, threadId, this.#settings);
  }

  #opened(method: string, answer: unknown): void {
    const id = opening.has(method) ? textOf(answer, "thread", "id") : undefined;
    if (id === undefined) return;
    const isActive = statusIn(answer) === "active";
    const thread = this.#parts.threads.open(id);
    thread.opened({ made: method !== "thread/resume", isActive });
    thread.use.opened(method, answer);
    this.#parts.idleThreads?.watch();
  }
}

const opening = new Set(["thread/start", "thread/resume", "thread/fork"]);

function statusIn(answer: unknown): string | undefined {
  return textOf(answer, "thread", "status", "type");
}
