import type {
  FuzzyFileSearchResult,
  Model,
  ModelListParams,
  PermissionProfileListParams,
  PermissionProfileSummary,
  Thread as ThreadRecord,
  ThreadAttachmentOwner,
  ThreadListParams,
  ThreadLoadedListParams,
  ThreadResumeParams,
  ThreadSearchParams,
  ThreadSearchResult,
  ThreadStartParams,
} from "../generated/types.js";
import type { Rpc } from "../generated/rpc.js";
import { readAccount, type AccountStatus } from "./account/account-status.js";
import { Login } from "./account/login.js";
import { RateLimits } from "./account/rate-limits.js";
import { checkText } from "./checks.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import { ConfigStore } from "./configuration/config-store.js";
import { Features } from "./configuration/features.js";
import { ModelProviders } from "./configuration/model-providers.js";
import { Apps } from "./extensions/apps.js";
import { Hooks } from "./extensions/hooks.js";
import { Mcp } from "./extensions/mcp.js";
import { Plugins } from "./extensions/plugins.js";
import { Skills } from "./extensions/skills.js";
import type { CommandHandle } from "./machine/command-handle.js";
import type { ExecOptions, SpawnOptions } from "./machine/command-options.js";
import { execCommand } from "./machine/exec-command.js";
import {
  FileSearch,
  searchFiles,
  type FileSearchOptions,
  type SearchFilesOptions,
} from "./machine/file-search.js";
import { Files } from "./machine/files.js";
import { spawnProcess } from "./machine/spawn-process.js";
import { Watch, type WatchOptions } from "./machine/watch.js";
import { Pages } from "./pages.js";
import type { AllowUndefined, ParamsOf, ResultOf } from "./protocol.js";
import { createRpcTree } from "./rpc-tree.js";
import { splitHandlers, type RequestHandlers } from "./server-requests/handlers.js";
import { Thread, type ForkThreadOptions } from "./thread.js";
import { Sections } from "./threads/sections.js";
import { attachmentOwners, type AttachmentOwnersOptions } from "./threads/thread-attachments.js";
import { resumeAnew, resumeThread } from "./threads/thread-resume.js";
import type { BoundTools, StartThreadTools } from "./tools/tool.js";
import { checkTools, toDynamicTools } from "./tools/tool-specs.js";
import type { Host } from "./host.js";

/**
 * Settings of a new thread, as in `thread/start`, who answers the server's requests on it, and the
 * tools that this client has for it.
 */
export interface StartThreadOptions
  extends AllowUndefined<ThreadStartParams>, RequestHandlers, StartThreadTools {}
/**
 * What to change while resuming, as in `thread/resume`, and who answers the server's requests on the
 * thread. Of the instructions, codex 0.169.0 shows only `baseInstructions` to the model;
 * `developerInstructions` work in `startThread`.
 */
export interface ResumeThreadOptions
  extends AllowUndefined<Omit<ThreadResumeParams, "threadId">>, RequestHandlers, BoundTools {}
/** Which threads to list, as in `thread/list`. */
export type ListThreadsOptions = AllowUndefined<Omit<ThreadListParams, "cursor">>;
/** Which threads to search, as in `thread/search`. */
export type SearchThreadsOptions = AllowUndefined<
  Omit<ThreadSearchParams, "searchTerm" | "cursor">
>;
/** How to list what is loaded, as in `thread/loaded/list`. */
export type LoadedThreadsOptions = AllowUndefined<Omit<ThreadLoadedListParams, "cursor">>;
/** Which models to list, as in `model/list`. */
export type ListModelsOptions = AllowUndefined<Omit<ModelListParams, "cursor">>;
/** For which directory to list, as in `permissionProfile/list`. */
export type ListPermissionProfilesOptions = AllowUndefined<
  Omit<PermissionProfileListParams, "cursor">
>;

/** Everything that makes or finds threads; the same on a `Codex` and on an `AppServerClient`. */
export abstract class CodexApi {
  /** The ways to log in. */
  readonly login = new Login(() => this.connect());
  /** How much of its limits the account has used. */
  readonly rateLimits = new RateLimits(() => this.connect());
  /** MCP servers: their state, their tools and resources, and logins to them. */
  readonly mcp = new Mcp(() => this.connect());
  /** Skills: what there is, what is on, where to look. */
  readonly skills = new Skills(() => this.connect());
  /** Hooks: what there is, what is on, what is trusted. */
  readonly hooks = new Hooks(() => this.connect());
  /** Plugins and the marketplaces that they come from. */
  readonly plugins = new Plugins(() => this.connect());
  /** Apps (connectors) of the ChatGPT account. */
  readonly apps = new Apps(() => this.connect());
  /** The server's configuration. */
  readonly config = new ConfigStore(() => this.connect());
  /** The server's feature flags. */
  readonly features = new Features(() => this.connect());
  /** Where models come from. */
  readonly modelProviders = new ModelProviders(() => this.connect());
  /** The files of the server's machine, outside every sandbox. */
  readonly files = new Files(() => this.connect());
  /** The sections that threads are grouped in. */
  readonly sections = new Sections(() => this.connect());

  /**
   * The connection of this moment.
   *
   * @internal
   */
  protected abstract connect(): Promise<Host>;
  #rpc: Rpc | undefined;

  /**
   * Every method of the protocol, experimental ones included, at the place that its name says:
   * `thread/goal/set` is `rpc.thread.goal.set(params, { signal, timeoutMs })`. It is sent as it is;
   * where the library has a method of its own for something, that one knows more. Each throws what
   * `AppServerClient.request` throws.
   */
  get rpc(): Rpc {
    this.#rpc ??= createRpcTree(async (method, params, options) => {
      const host = await this.connect();
      return host.call(method, params, options);
    });
    return this.#rpc;
  }

  /**
   * Who is logged in (`account/read`). With `refreshToken: true` the server first renews the tokens of
   * a ChatGPT login that it holds itself.
   */
  async account(options: ParamsOf<"account/read"> = {}): Promise<AccountStatus> {
    return readAccount(await this.connect(), options);
  }

  /** Ends the login, whatever it is, and forgets it (`account/logout`). */
  async logout(): Promise<void> {
    const host = await this.connect();
    await host.call("account/logout", undefined);
  }

  /**
   * The tokens that the account has used; with a `threadId`, what that thread is estimated to have
   * cost, as `threadUsage` (`account/usage/read`). Works with ChatGPT logins only.
   */
  async usage(
    options: ParamsOf<"account/usage/read"> = {},
  ): Promise<ResultOf<"account/usage/read">> {
    const host = await this.connect();
    return host.call("account/usage/read", options);
  }

  /** What the workspace wants its members to read (`account/workspaceMessages/read`). */
  async workspaceMessages(): Promise<ResultOf<"account/workspaceMessages/read">> {
    const host = await this.connect();
    return host.call("account/workspaceMessages/read", undefined);
  }

  /** Starts a new conversation (`thread/start`). */
  async startThread(options: StartThreadOptions = {}): Promise<Thread> {
    const { handlers, rest } = splitHandlers(options);
    const { tools, ...params } = rest;
    const dynamicTools = toDynamicTools(tools, params.dynamicTools);
    const host = await this.connect();
    const opened = await host.call("thread/start", { ...params, dynamicTools });
    return Thread.open(() => this.connect(), host, opened, { handlers, tools });
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
    const { handlers, rest } = splitHandlers(options);
    const { tools, ...settings } = rest;
    if (tools !== undefined) checkTools(tools);
    const host = await this.connect();
    const params = { excludeTurns: true, ...settings, threadId: id };
    const opened =
      host.isLoaded(id) && changesSettings(settings)
        ? await resumeAnew(host, params)
        : await resumeThread(host, params);
    return Thread.open(() => this.connect(), host, opened, { handlers, tools });
  }

  /** Copies a thread, whole or up to a turn (`thread/fork`), without sending its history here. */
  async forkThread(id: string, options: ForkThreadOptions = {}): Promise<Thread> {
    return this.thread(id).fork(options);
  }

  /**
   * A handle on an existing thread. Sends nothing; the first turn loads the thread. `handlers` answer
   * the server's requests on it, and `tools` carry out its tools, from the first use of this handle on,
   * whichever handle runs the turn.
   */
  thread(id: string, options: RequestHandlers & BoundTools = {}): Thread {
    checkThreadId(id);
    const { tools, ...given } = options;
    if (tools !== undefined) checkTools(tools);
    const { handlers } = splitHandlers(given);
    return new Thread(() => this.connect(), id, undefined, { handlers, tools });
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

  /** Deletes a thread for good (`thread/delete`); see `thread.delete()`. */
  async deleteThread(id: string): Promise<void> {
    await this.thread(id).delete();
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

  /**
   * The stored threads in which a text occurs (`thread/search`), upper and lower case being the same,
   * each with a piece of text around it: the last changed first. Archived ones are found with
   * `archived: true`. Sorted by `created_at`, which would be the server's choice, codex 0.169.0 leaves
   * out threads at the end of a page that were made within one second. Experimental in the protocol.
   */
  searchThreads(searchTerm: string, options: SearchThreadsOptions = {}): Pages<ThreadSearchResult> {
    checkText("searchTerm", searchTerm);
    return new Pages(async (cursor) => {
      const host = await this.connect();
      const page = cursor === undefined ? {} : { cursor };
      const sortKey = options.sortKey ?? "updated_at";
      return host.call("thread/search", { ...options, sortKey, searchTerm, ...page });
    });
  }

  /** The ids of the threads that the server has loaded (`thread/loaded/list`), by any client. */
  loadedThreads(options: LoadedThreadsOptions = {}): Pages<string> {
    return new Pages(async (cursor) => {
      const host = await this.connect();
      const params = cursor === undefined ? options : { ...options, cursor };
      return host.call("thread/loaded/list", params);
    });
  }

  /** The threads that something is attached to (`thread/attachmentOwner/list`), archived or not. */
  attachmentOwners(options: AttachmentOwnersOptions): Pages<ThreadAttachmentOwner> {
    return attachmentOwners(() => this.connect(), options);
  }

  /**
   * The permission profiles that a directory can have (`permissionProfile/list`). Those that are not
   * `allowed` are forbidden by an administrator.
   */
  permissionProfiles(options: ListPermissionProfilesOptions = {}): Pages<PermissionProfileSummary> {
    return new Pages(async (cursor) => {
      const host = await this.connect();
      return host.call("permissionProfile/list", { ...options, cursor });
    });
  }

  /**
   * Runs a command on the server's machine (`command/exec`) and returns its handle at once. It runs in
   * the sandbox that the server's configuration or `sandbox` says, and nobody is asked for approval.
   * The command is a program and its arguments, such as `["git", "status"]`; no shell is involved.
   *
   * @throws InvalidArgumentError for what cannot work. What goes wrong later rejects `exit`.
   */
  exec(command: readonly string[], options: ExecOptions = {}): CommandHandle {
    return execCommand(() => this.connect(), command, options);
  }

  /**
   * Runs a command on the server's machine **outside every sandbox**, with all the rights of the
   * server's user, and nobody is asked for approval (`process/spawn`, experimental). Never give it
   * what a model or a stranger wrote; `exec` has a sandbox. Otherwise it is used in the same way.
   *
   * @throws InvalidArgumentError for what cannot work. What goes wrong later rejects `exit`.
   */
  spawn(command: readonly string[], options: SpawnOptions): CommandHandle {
    return spawnProcess(() => this.connect(), command, options);
  }

  /**
   * Watches a file, or what lies directly in a directory, from now on (`fs/watch`). What does not
   * exist yet may be watched, too. Iterate the watch for the changes; leaving the loop ends it.
   *
   * @throws InvalidArgumentError for a path that is not absolute.
   */
  watch(path: string, options: WatchOptions = {}): Watch {
    return new Watch(() => this.connect(), path, options);
  }

  /**
   * Finds files by some letters of their path, which need not stand together (`fuzzyFileSearch`).
   * Resolves with the best matches, best first, at most 50; with none for an empty query, or for a
   * directory that does not exist.
   *
   * @throws InvalidArgumentError, `signal.reason`, or what `AppServerClient.request` throws.
   */
  searchFiles(query: string, options: SearchFilesOptions = {}): Promise<FuzzyFileSearchResult[]> {
    return searchFiles(() => this.connect(), query, options);
  }

  /**
   * Begins a search for files whose query changes while somebody types
   * (`fuzzyFileSearch/sessionStart`, experimental). Iterate it for the results; leaving the loop ends
   * it.
   */
  fileSearch(options: FileSearchOptions = {}): FileSearch {
    return new FileSearch(() => this.connect(), options);
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
