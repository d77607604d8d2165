import { threadResumeParamsKeys, threadStartParamsKeys } from "../../generated/methods.js";
import type {
  Thread as ThreadRecord,
  ThreadAttachmentOwner,
  ThreadSearchResult,
} from "../../generated/types.js";
import { pickKeys } from "../errors/check-options.js";
import { checkTrace } from "../diagnostics/trace-context.js";
import { check, checkFields, checkText, flag, text, type Rule } from "../errors/check-values.js";
import {
  checkOpeningOptions,
  checkWithoutSettings,
  resumeThreadKeys,
  startThreadKeys,
  threadHandleKeys,
} from "../options/option-keys.js";
import type { Pages } from "../options/pages.js";
import { withReadableImages } from "../options/readable-images.js";
import type {
  ForkThreadOptions,
  ResumeThreadOptions,
  StartThreadOptions,
  ThreadHandleOptions,
} from "../options/thread-options.js";
import { withServerPaths } from "../paths/with-server-paths.js";
import type { ParamsOf } from "../protocol.js";
import { checkParams, Resource } from "../resources/resource.js";
import { Sections } from "../resources/threads/sections.js";
import {
  checkIdentity,
  type AttachmentOwnersOptions,
} from "../resources/threads/thread-attachments.js";
import {
  ThreadSearch,
  toQuery,
  type SearchThreadsOptions,
  type ThreadSearchOptions,
} from "../resources/threads/thread-search.js";
import { handlersIn } from "../server-requests/handlers.js";
import { threadScope } from "../session/thread-memory.js";
import { resumeAnew, resumeThread } from "../session/resume-thread.js";
import { Thread } from "../thread.js";
import { checkTools, toDynamicTools } from "../tools/tool-specs.js";
import { toBudget } from "../usage/budget.js";
import { startThread } from "./start-thread.js";

/** The threads to list, as in `thread/list`. */
export type ListThreadsOptions = Omit<ParamsOf<"thread/list">, "cursor">;
/** Options for listing the loaded threads, as in `thread/loaded/list`. */
export type LoadedThreadsOptions = Omit<ParamsOf<"thread/loaded/list">, "cursor">;

/** The calls that make or find threads; the same on a `Codex` and on an `AppServerClient`. */
export abstract class ThreadCatalog extends Resource {
  /** The sections that threads are grouped in. */
  readonly sections = new Sections(this.getSession);

  /**
   * Starts a new conversation (`thread/start`). A thread with a `cwd`, and a sandbox in which its commands
   * may write, starts as read-only and gets its sandbox right behind (`thread/settings/update`), so that
   * the server does not mark the directory as trusted: see `trustProject`.
   *
   * @throws SettingsLoosenedError when the server gives it a looser approval policy or reviewer, or a
   * wider sandbox (SandboxWidenedError), than `options` or the client's `config` name.
   */
  async startThread(options: StartThreadOptions = {}): Promise<Thread> {
    const all = checkOpeningOptions("startThread()", options, startThreadKeys);
    const handlers = handlersIn(all);
    const { tools, trustProject, trace } = all;
    const budget = toBudget(all.budget);
    const params = pickKeys(all, threadStartParamsKeys);
    const dynamicTools = toDynamicTools(tools, params.dynamicTools);
    checkFields({ trustProject }, { trustProject: flag });
    checkTrace(trace);
    const session = await this.getSession("thread/start");
    const settings = { ...params, dynamicTools };
    const trusted = trustProject ?? session.trustProject;
    const opened = await startThread(session, settings, { trustProject: trusted, trace });
    const scope = threadScope({ handlers, tools, budget });
    return Thread.open(this.getSession, session, opened, scope);
  }

  /**
   * Loads a stored thread and changes what `options` names: model, sandbox, base instructions and so
   * on (`thread/resume`). The history is left out of the answer unless `excludeTurns` is false; read
   * it in pages with `thread.turns()`.
   *
   * The server ignores changes to a thread that it has loaded. So a thread in use here is unloaded
   * first, once its running turn has ended; `thread.opened` tells what holds now. With another `model` the
   * server takes the effort from the configuration: name it, as `config: { model_reasoning_effort }`, or use
   * `thread.updateSettings({ model })`, which leaves the effort as it is. Without `sandbox`, it has
   * the one under which this client has seen it last, or else, unless the server has stored it, that of
   * the configuration.
   *
   * @throws ThreadNotFoundError, also for a thread that never ran a turn; SettingsLoosenedError when the
   * server gives it a looser approval policy or reviewer, or a wider sandbox (SandboxWidenedError), than
   * `options` name, or than it had; ThreadArchivedError, until it is unarchived.
   */
  async resumeThread(id: string, options: ResumeThreadOptions = {}): Promise<Thread> {
    check("id", id, threadId);
    const all = checkOpeningOptions("resumeThread()", options, resumeThreadKeys);
    const handlers = handlersIn(all);
    const { tools, trace } = all;
    const budget = toBudget(all.budget);
    const settings = withReadableHistory(pickKeys(all, threadResumeParamsKeys));
    if (tools !== undefined) checkTools(tools);
    checkTrace(trace);
    const session = await this.getSession("thread/resume");
    const given = { excludeTurns: true, ...settings, threadId: id };
    // Before a thread that is in use is let go of.
    const params = withServerPaths("thread/resume", given, session.serverFiles);
    const opened =
      session.isLoaded(id) && changesSettings(settings)
        ? await resumeAnew(session, params, { trace })
        : await resumeThread(session, params, { trace });
    const scope = threadScope({ handlers, tools, budget });
    return Thread.open(this.getSession, session, opened, scope);
  }

  /** Copies a thread, whole or up to a turn (`thread/fork`), without sending its history here. */
  async forkThread(id: string, options: ForkThreadOptions = {}): Promise<Thread> {
    return this.thread(id).fork(options);
  }

  /**
   * Makes a handle on an existing thread. Sends nothing; the first turn loads the thread, as
   * `resumeThread` would without changes. From the first use of this handle on, `handlers` answer the
   * server's requests on the thread and `tools` carry out its tools, whichever handle runs the turn; and `budget` is
   * what its turns may use from then on.
   */
  thread(id: string, options: ThreadHandleOptions = {}): Thread {
    check("id", id, threadId);
    checkWithoutSettings("thread()", options, threadHandleKeys);
    const { tools } = options;
    if (tools !== undefined) checkTools(tools);
    const handlers = handlersIn(options);
    const scope = threadScope({ handlers, tools, budget: toBudget(options.budget) });
    return new Thread(this.getSession, id, undefined, scope);
  }

  /** Archives a thread (`thread/archive`). */
  async archiveThread(id: string): Promise<void> {
    await this.thread(id).archive();
  }

  /**
   * Takes a thread out of the archive (`thread/unarchive`).
   *
   * @throws ThreadNotFoundError for a thread that is not archived, or ThreadBusyError if that thread is
   * open.
   */
  async unarchiveThread(id: string): Promise<Thread> {
    const thread = this.thread(id);
    await thread.unarchive();
    return thread;
  }

  /** Deletes a thread for good (`thread/delete`); see `thread.delete()`. */
  async deleteThread(id: string): Promise<void> {
    await this.thread(id).delete();
  }

  /**
   * Lists the stored threads (`thread/list`): await the first page, or iterate over all. A page has 25 of
   * them, or `limit`, at most 100. Without `sourceKinds` the server lists only threads of its interactive
   * clients. With thousands of threads, `useStateDbOnly: true` is faster: see docs/lists.md.
   */
  listThreads(options: ListThreadsOptions = {}): Pages<ThreadRecord> {
    checkParams("listThreads()", "thread/list", options);
    return this.pages("thread/list", options);
  }

  /**
   * Searches the stored threads for a text (`thread/search`), ignoring case. Each result has a piece of
   * text around the match; the thread changed last comes first. `archived: true` finds archived ones.
   * Experimental in the protocol.
   *
   * The server would sort by `created_at`, and codex 0.169.0 then leaves out threads at the end of a page
   * that were made within one second; so this call sorts otherwise unless you say so.
   */
  searchThreads(searchTerm: string, options: SearchThreadsOptions = {}): Pages<ThreadSearchResult> {
    checkText("searchTerm", searchTerm);
    checkParams("searchThreads()", "thread/search", options);
    return this.pages("thread/search", toQuery(searchTerm, options));
  }

  /**
   * Searches the stored threads as `searchThreads` does, and yields some of them before the server has
   * looked at all (`thread/search/stream`, experimental, new in codex 0.171.0). Iterate it for the
   * threads, each once; leaving the loop ends the search on the server, too.
   *
   * @throws InvalidArgumentError for a text or options that cannot work. Iterating throws later errors.
   */
  threadSearch(searchTerm: string, options: ThreadSearchOptions = {}): ThreadSearch {
    return new ThreadSearch(this.getSession, searchTerm, options);
  }

  /** Lists the ids of the threads that the server has loaded (`thread/loaded/list`), for any client. */
  loadedThreads(options: LoadedThreadsOptions = {}): Pages<string> {
    checkParams("loadedThreads()", "thread/loaded/list", options);
    return this.pages("thread/loaded/list", options);
  }

  /** Lists the threads, archived or not, that have an attachment (`thread/attachmentOwner/list`). */
  attachmentOwners(options: AttachmentOwnersOptions): Pages<ThreadAttachmentOwner> {
    checkIdentity(options);
    checkParams("attachmentOwners()", "thread/attachmentOwner/list", options);
    return this.pages("thread/attachmentOwner/list", options);
  }
}

function withReadableHistory<Options extends Pick<ResumeThreadOptions, "history">>(
  options: Options,
): Options {
  const { history } = options;
  if (!Array.isArray(history)) return options;
  const readable = history.map((item, index) => withReadableImages(item, `history[${index}]`));
  return { ...options, history: readable };
}

function changesSettings(options: ResumeThreadOptions): boolean {
  const settings = { ...options, excludeTurns: undefined, initialTurnsPage: undefined };
  return Object.values(settings).some((value) => value !== undefined);
}

const threadId: Rule = { ...text, problem: "must be the id of a thread" };
