import {
  getAccountParamsKeys,
  getAccountTokenUsageParamsKeys,
  modelListParamsKeys,
  permissionProfileListParamsKeys,
} from "../../generated/methods.js";
import type {
  FuzzyFileSearchResult,
  Model,
  ModelListParams,
  PermissionProfileListParams,
  PermissionProfileSummary,
} from "../../generated/types.js";
import type { Rpc } from "../../generated/rpc.js";
import { readAccount, type AccountStatus } from "../resources/account/account-status.js";
import { Login } from "../resources/account/login.js";
import { RateLimits } from "../resources/account/rate-limits.js";
import { ConfigStore } from "../resources/configuration/config-store.js";
import { Features } from "../resources/configuration/features.js";
import { ModelProviders } from "../resources/configuration/model-providers.js";
import { Apps } from "../resources/extensions/apps.js";
import { Hooks } from "../resources/extensions/hooks.js";
import { Mcp } from "../resources/extensions/mcp.js";
import { Plugins } from "../resources/extensions/plugins.js";
import { Skills } from "../resources/extensions/skills.js";
import { checkOptions, type KeysOf } from "../errors/check-options.js";
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
import { Pages } from "../options/pages.js";
import type { AllowUndefined, ParamsOf, ResultOf } from "../protocol.js";
import { createRpcTree } from "../resources/rpc-tree.js";
import { ThreadCatalog } from "./thread-catalog.js";
import { connectedFor } from "../session/until-connected.js";

/** Which models to list, as in `model/list`. */
export type ListModelsOptions = AllowUndefined<Omit<ModelListParams, "cursor">>;
/** For which directory to list, as in `permissionProfile/list`. */
export type ListPermissionProfilesOptions = AllowUndefined<
  Omit<PermissionProfileListParams, "cursor">
>;

const listModelsKeys: KeysOf<ListModelsOptions> = modelListParamsKeys;
const listPermissionProfilesKeys: KeysOf<ListPermissionProfilesOptions> =
  permissionProfileListParamsKeys;

/** What a `Codex` and an `AppServerClient` both offer: threads, and everything around them. */
export abstract class CodexApi extends ThreadCatalog {
  /** The ways to log in. */
  readonly login = new Login(() => this.getSession());
  /** How much of its limits the account has used. */
  readonly rateLimits = new RateLimits(() => this.getSession());
  /** MCP servers: their state, their tools and resources, and logins to them. */
  readonly mcp = new Mcp(() => this.getSession());
  /** Skills: what there is, what is on, where to look. */
  readonly skills = new Skills(() => this.getSession());
  /** Hooks: what there is, what is on, what is trusted. */
  readonly hooks = new Hooks(() => this.getSession());
  /** Plugins and the marketplaces that they come from. */
  readonly plugins = new Plugins(() => this.getSession());
  /** Apps (connectors) of the ChatGPT account. */
  readonly apps = new Apps(() => this.getSession());
  /** The server's configuration. */
  readonly config = new ConfigStore(() => this.getSession());
  /** The server's feature flags. */
  readonly features = new Features(() => this.getSession());
  /** Where models come from. */
  readonly modelProviders = new ModelProviders(() => this.getSession());
  /** The sandbox that commands run in. */
  readonly sandbox = new Sandbox(() => this.getSession());
  /** The files of the server's machine, outside every sandbox. */
  readonly files = new Files(() => this.getSession());

  #rpc: Rpc | undefined;

  /**
   * Every method of the protocol, experimental ones included, at the place that its name says:
   * `thread/goal/set` is `rpc.thread.goal.set(params, { signal, timeoutMs })`. It is sent as it is, paths too;
   * where the library has a method of its own for something, that one knows more. Each throws what
   * `AppServerClient.request` throws.
   */
  get rpc(): Rpc {
    this.#rpc ??= createRpcTree(async (method, params, options = {}) => {
      const [session, left] = await connectedFor(() => this.getSession(), method, options);
      return session.request(method, params, left);
    });
    return this.#rpc;
  }

  /**
   * Who is logged in (`account/read`). With `refreshToken: true` the server first renews the tokens of
   * a ChatGPT login that it holds itself.
   */
  async account(options: ParamsOf<"account/read"> = {}): Promise<AccountStatus> {
    checkOptions("account()", options, getAccountParamsKeys);
    return readAccount(await this.getSession(), options);
  }

  /** Ends the login, whatever it is, and forgets it (`account/logout`). */
  async logout(): Promise<void> {
    const session = await this.getSession();
    await session.call("account/logout", undefined);
  }

  /**
   * The tokens that the account has used; with a `threadId`, what that thread is estimated to have
   * cost, as `threadUsage` (`account/usage/read`). Works with ChatGPT logins only.
   */
  async usage(
    options: ParamsOf<"account/usage/read"> = {},
  ): Promise<ResultOf<"account/usage/read">> {
    checkOptions("usage()", options, getAccountTokenUsageParamsKeys);
    const session = await this.getSession();
    return session.call("account/usage/read", options);
  }

  /** What the workspace wants its members to read (`account/workspaceMessages/read`). */
  async workspaceMessages(): Promise<ResultOf<"account/workspaceMessages/read">> {
    const session = await this.getSession();
    return session.call("account/workspaceMessages/read", undefined);
  }

  /**
   * The permission profiles that a directory can have (`permissionProfile/list`). Those that are not
   * `allowed` are forbidden by an administrator.
   */
  permissionProfiles(options: ListPermissionProfilesOptions = {}): Pages<PermissionProfileSummary> {
    checkOptions("permissionProfiles()", options, listPermissionProfilesKeys);
    return new Pages(async (cursor) => {
      const session = await this.getSession();
      return session.call("permissionProfile/list", { ...options, cursor });
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
    return execCommand(() => this.getSession(), command, options);
  }

  /**
   * Runs a command on the server's machine **outside every sandbox**, with all the rights of the
   * server's user, and nobody is asked for approval (`process/spawn`, experimental). Never give it
   * what a model or a stranger wrote; `exec` has a sandbox. Otherwise it is used in the same way.
   *
   * @throws InvalidArgumentError for what cannot work. What goes wrong later rejects `exit`.
   */
  spawn(command: readonly string[], options: SpawnOptions): CommandHandle {
    return spawnProcess(() => this.getSession(), command, options);
  }

  /**
   * Watches a file, or what lies directly in a directory, from now on (`fs/watch`). What does not
   * exist yet may be watched, too. Iterate the watch for the changes; leaving the loop ends it.
   *
   * @throws InvalidArgumentError for what is no path.
   */
  watch(path: string, options: WatchOptions = {}): Watch {
    return new Watch(() => this.getSession(), path, options);
  }

  /**
   * Finds files by some letters of their path, which need not stand together (`fuzzyFileSearch`).
   * Resolves with the best matches, best first, at most 50; with none for an empty query, or for a
   * directory that does not exist.
   *
   * @throws InvalidArgumentError, `signal.reason`, or what `AppServerClient.request` throws.
   */
  searchFiles(query: string, options: SearchFilesOptions = {}): Promise<FuzzyFileSearchResult[]> {
    return searchFiles(() => this.getSession(), query, options);
  }

  /**
   * Begins a search for files whose query changes while somebody types
   * (`fuzzyFileSearch/sessionStart`, experimental). Iterate it for the results; leaving the loop ends
   * it.
   */
  fileSearch(options: FileSearchOptions = {}): FileSearch {
    return new FileSearch(() => this.getSession(), options);
  }

  /** The models that this login can use (`model/list`). */
  models(options: ListModelsOptions = {}): Pages<Model> {
    checkOptions("models()", options, listModelsKeys);
    return new Pages(async (cursor) => {
      const session = await this.getSession();
      return session.call("model/list", cursor === undefined ? options : { ...options, cursor });
    });
  }
}
