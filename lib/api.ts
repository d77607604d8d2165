import type {
  Model,
  ModelListParams,
  Thread as ThreadRecord,
  ThreadForkParams,
  ThreadListParams,
  ThreadResumeParams,
  ThreadStartParams,
} from "../generated/types.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { Pages } from "./pages.js";
import type { AllowUndefined } from "./protocol.js";
import { Thread } from "./thread.js";
import { resumeAnew, resumeThread } from "./threads/thread-resume.js";
import type { Host } from "./host.js";

/** Settings of a new thread, as in `thread/start`. */
export type StartThreadOptions = AllowUndefined<ThreadStartParams>;
/**
 * What to change while resuming, as in `thread/resume`. Of the instructions, codex 0.169.0 shows only
 * `baseInstructions` to the model; `developerInstructions` work in `startThread`.
 */
export type ResumeThreadOptions = AllowUndefined<Omit<ThreadResumeParams, "threadId">>;
/** What to change in the copy, and where to cut it, as in `thread/fork`. */
export type ForkThreadOptions = AllowUndefined<Omit<ThreadForkParams, "threadId">>;
/** Which threads to list, as in `thread/list`. */
export type ListThreadsOptions = AllowUndefined<Omit<ThreadListParams, "cursor">>;
/** Which models to list, as in `model/list`. */
export type ListModelsOptions = AllowUndefined<Omit<ModelListParams, "cursor">>;

/** Everything that makes or finds threads; the same on a `Codex` and on an `AppServerClient`. */
export abstract class CodexApi {
  /**
   * The connection of this moment.
   *
   * @internal
   */
  protected abstract connect(): Promise<Host>;

  /** Starts a new conversation (`thread/start`). */
  async startThread(options: StartThreadOptions = {}): Promise<Thread> {
    const host = await this.connect();
    const opened = await host.call("thread/start", options);
    return new Thread(() => this.connect(), opened.thread.id, opened);
  }

  /**
   * Loads a stored thread and changes what `options` names: model, sandbox, base instructions and so
   * on (`thread/resume`). The history is left out of the answer unless `excludeTurns` is false; read
   * it in pages with `thread.turns()`.
   *
   * The server ignores changes to a thread that it has loaded. So a thread in use here is unloaded
   * first, once its running turn has ended; `thread.opened` tells what holds now.
   *
   * @throws ThreadNotFoundError, also for a thread that never ran a turn.
   */
  async resumeThread(id: string, options: ResumeThreadOptions = {}): Promise<Thread> {
    checkThreadId(id);
    const host = await this.connect();
    const params = { excludeTurns: true, ...options, threadId: id };
    const opened =
      host.isLoaded(id) && changesSettings(options)
        ? await resumeAnew(host, params)
        : await resumeThread(host, params);
    return new Thread(() => this.connect(), opened.thread.id, opened);
  }

  /** Copies a thread, whole or up to a turn (`thread/fork`), without sending its history here. */
  async forkThread(id: string, options: ForkThreadOptions = {}): Promise<Thread> {
    checkThreadId(id);
    const host = await this.connect();
    const params = { excludeTurns: true, ...options, threadId: id };
    const opened = await host.call("thread/fork", params);
    return new Thread(() => this.connect(), opened.thread.id, opened);
  }

  /** A handle on an existing thread. Sends nothing; the first turn loads the thread. */
  thread(id: string): Thread {
    checkThreadId(id);
    return new Thread(() => this.connect(), id);
  }

  /** Archives a thread (`thread/archive`). */
  async archiveThread(id: string): Promise<void> {
    await this.thread(id).archive();
  }

  /** Takes a thread back from the archive (`thread/unarchive`). */
  async unarchiveThread(id: string): Promise<Thread> {
    const thread = this.thread(id);
    await thread.unarchive();
    return thread;
  }

  /**
   * The stored threads (`thread/list`): iterate over all, or take `page()`s. Without `sourceKinds`
   * the server lists only threads of its interactive clients.
   */
  listThreads(options: ListThreadsOptions = {}): Pages<ThreadRecord> {
    return new Pages(async (cursor) => {
      const host = await this.connect();
      return host.call("thread/list", cursor === undefined ? options : { ...options, cursor });
    });
  }

  /** The models that this login can use (`model/list`). */
  models(options: ListModelsOptions = {}): Pages<Model> {
    return new Pages(async (cursor) => {
      const host = await this.connect();
      return host.call("model/list", cursor === undefined ? options : { ...options, cursor });
    });
  }
}

function changesSettings(options: ResumeThreadOptions): boolean {
  const settings = { ...options, excludeTurns: undefined, initialTurnsPage: undefined };
  return Object.values(settings).some((value) => value !== undefined);
}

function checkThreadId(id: string): void {
  if (typeof id !== "string" || id === "") {
    throw new InvalidArgumentError("id", "must be the id of a thread");
  }
}
