import type {
  FuzzyFileSearchResult,
  Model,
  PermissionProfileSummary,
} from "../../generated/types.js";
import type { Rpc } from "../../generated/rpc.js";
import { Login } from "../resources/account/login.js";
import { RateLimits } from "../resources/account/rate-limits.js";
import { createUsage, type Usage, type UsageSource } from "../resources/account/usage.js";
import { ConfigStore } from "../resources/configuration/config-store.js";
import { Features } from "../resources/configuration/features.js";
import { ModelProviders } from "../resources/configuration/model-providers.js";
import { Apps } from "../resources/extensions/apps.js";
import { Hooks } from "../resources/extensions/hooks.js";
import { Mcp } from "../resources/extensions/mcp.js";
import { Plugins } from "../resources/extensions/plugins.js";
import { Skills } from "../resources/extensions/skills.js";
import { beginsWork } from "../messages/begins-work.js";
import type { CommandHandle } from "../resources/machine/command-handle.js";
import type { ExecOptions, SpawnOptions } from "../resources/machine/command-options.js";
import { execCommand } from "../resources/machine/exec-command.js";
import {
  FileSearch,
  searchFiles,
  type FileSearchOptions,
  type SearchFilesOptions,
} from "../resources/machine/file-search.js";
import { Files } from "../resources/machine/files.js";
import { Sandbox } from "../resources/machine/sandbox.js";
import { spawnProcess } from "../resources/machine/spawn-process.js";
import { Watch, type WatchOptions } from "../resources/machine/watch.js";
import type { Pages } from "../options/pages.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import { createRpcTree } from "../resources/rpc-tree.js";
import { ThreadCatalog } from "./thread-catalog.js";
import { connectedFor } from "../session/until-connected.js";
import { checkParams } from "../resources/resource.js";

/** The account that is logged in, as `account/read` tells. */
export interface AccountStatus extends ResultOf<"account/read"> {
  /** Whether turns will fail until somebody logs in. */
  loginRequired: boolean;
}

/** The models to list, as in `model/list`. */
export type ListModelsOptions = Omit<ParamsOf<"model/list">, "cursor">;
/** The directory to list profiles for, as in `permissionProfile/list`. */
export type ListPermissionProfilesOptions = Omit<ParamsOf<"permissionProfile/list">, "cursor">;

/** The calls that a `Codex` and an `AppServerClient` both offer: threads, and everything around them. */
export abstract class CodexApi extends ThreadCatalog {
  /** The ways to log in. */
  readonly login = new Login(this.getSession);
  /** The account's rate limits, and how much of them it has used. */
  readonly rateLimits = new RateLimits(this.getSession);
  /** MCP servers: their state, their tools and resources, and logins to them. */
  readonly mcp = new Mcp(this.getSession);
  /** Skills: listing them, switching them on and off, adding directories to look in. */
  readonly skills = new Skills(this.getSession);
  /** Hooks: listing them, switching them on and off, trusting them. */
  readonly hooks = new Hooks(this.getSession);
  /** Plugins and the marketplaces that they come from. */
  readonly plugins = new Plugins(this.getSession);
  /** Apps (connectors) of the ChatGPT account. */
  readonly apps = new Apps(this.getSession);
  /** The server's configuration. */
  readonly config = new ConfigStore(this.getSession);
  /** The server's feature flags. */
  readonly features = new Features(this.getSession);
  /** Model providers: listing, adding and choosing them. */
  readonly modelProviders = new ModelProviders(this.getSession);
  /** The sandbox that commands run in. */
  readonly sandbox = new Sandbox(this.getSession);
  /** The files of the server's machine, outside every sandbox. */
  readonly files = new Files(this.getSession);

  /**
   * What was used: `usage()` reads that of the account, and `usage.turns()` iterates that of this client's turns, one
   * record for each.
   */
  readonly usage: Usage = createUsage(
    async (options = {}) => {
      checkParams("usage()", "account/usage/read", options);
      return this.call("account/usage/read", options);
    },
    () => this.usageSource(),
  );

  #rpc: Rpc | undefined;

  /**
   * Every method of the protocol, experimental ones included, under its own name: `thread/goal/set` is
   * `rpc.thread.goal.set(params, { signal, timeoutMs })`. Params are sent as they are, paths too. Prefer a
   * method of the library's own where there is one: it knows more. Each throws what
   * `AppServerClient.request` throws.
   */
  get rpc(): Rpc {
    this.#rpc ??= createRpcTree(async (method, params, options = {}) => {
      const toBegin = beginsWork(method, params) ? method : undefined;
      const [session, left] = await connectedFor(this.getSession, method, options, toBegin);
      return session.requestByHand(method, params, left);
    });
    return this.#rpc;
  }

  /** @internal */
  protected abstract usageSource(): UsageSource;

  /**
   * Reads who is logged in (`account/read`). With `refreshToken: true` the server first renews the tokens
   * of a ChatGPT login that it holds itself.
   */
  async account(options: ParamsOf<"account/read"> = {}): Promise<AccountStatus> {
    checkParams("account()", "account/read", options);
    const status = await this.call("account/read", options);
    return { ...status, loginRequired: status.requiresOpenaiAuth && status.account === null };
  }

  /** Ends the login, of any kind, and forgets it (`account/logout`). */
  async logout(): Promise<void> {
    await this.call("account/logout", undefined);
  }

  /** Reads the messages of the workspace to its members (`account/workspaceMessages/read`). */
  async workspaceMessages(): Promise<ResultOf<"account/workspaceMessages/read">> {
    return this.call("account/workspaceMessages/read", undefined);
  }

  /**
   * Lists the permission profiles that a directory can have (`permissionProfile/list`). An administrator
   * forbids those that are not `allowed`.
   */
  permissionProfiles(options: ListPermissionProfilesOptions = {}): Pages<PermissionProfileSummary> {
    checkParams("permissionProfiles()", "permissionProfile/list", options);
    return this.pages("permissionProfile/list", options);
  }

  /**
   * Runs a command on the server's machine (`command/exec`) and returns its handle at once. It runs in the
   * sandbox of the server's configuration, or in `sandbox`, and nobody is asked for approval. The command
   * is a program and its arguments, such as `["git", "status"]`; no shell is involved.
   *
   * @throws InvalidArgumentError for a command or options that cannot work. Later errors reject `exit`.
   */
  exec(command: readonly string[], options: ExecOptions = {}): CommandHandle {
    return execCommand(this.getSession, command, options);
  }

  /**
   * Runs a command on the server's machine **outside every sandbox**, with all the rights of the server's
   * user, and nobody is asked for approval (`process/spawn`, experimental). Never give it a command that a
   * model or a stranger wrote; `exec` has a sandbox. It is used in the same way as `exec`.
   *
   * @throws InvalidArgumentError for a command or options that cannot work. Later errors reject `exit`.
   */
  spawn(command: readonly string[], options: SpawnOptions): CommandHandle {
    return spawnProcess(this.getSession, command, options);
  }

  /**
   * Watches a file, or the direct entries of a directory, from now on (`fs/watch`). The path need not
   * exist yet. Iterate the watch for the changes; leaving the loop ends it.
   *
   * @throws InvalidArgumentError for a value that is no path.
   */
  watch(path: string, options: WatchOptions = {}): Watch {
    return new Watch(this.getSession, path, options);
  }

  /**
   * Finds files by some letters of their path, which need not stand together (`fuzzyFileSearch`).
   * Resolves with the best matches, best first, at most 50; with none for an empty query, or for a
   * directory that does not exist.
   *
   * @throws InvalidArgumentError, `signal.reason`, or what `AppServerClient.request` throws.
   */
  searchFiles(query: string, options: SearchFilesOptions = {}): Promise<FuzzyFileSearchResult[]> {
    return searchFiles(this.getSession, query, options);
  }

  /**
   * Begins a search for files whose query changes while somebody types
   * (`fuzzyFileSearch/sessionStart`, experimental). Iterate it for the results; leaving the loop ends
   * it.
   */
  fileSearch(options: FileSearchOptions = {}): FileSearch {
    return new FileSearch(this.getSession, options);
  }

  /** Lists the models that this login can use (`model/list`). */
  models(options: ListModelsOptions = {}): Pages<Model> {
    checkParams("models()", "model/list", options);
    return this.pages("model/list", options);
  }
}
