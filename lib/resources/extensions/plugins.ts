import { checkOptions } from "../../errors/check-options.js";
import type { PluginDetail, PluginSearchResult } from "../../../generated/types.js";
import { checkText } from "../../errors/check-values.js";
import type { GetSession } from "../../session/session.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import { requestKeys, type RequestOptions } from "../../jsonrpc/connection.js";
import { Marketplaces } from "./marketplaces.js";
import { checkParams, Resource } from "../resource.js";

/** The plugins to list, as in `plugin/list`. */
export type ListPluginsOptions = ParamsOf<"plugin/list">;
/** The installed plugins to list, as in `plugin/installed`. */
export type InstalledPluginsOptions = ParamsOf<"plugin/installed">;
/** The place to search, as in `plugin/search`. */
export type SearchPluginsOptions = Omit<ParamsOf<"plugin/search">, "searchTerm" | "cursor">;

/** The marketplaces with their plugins, and those that could not be loaded. */
export type PluginList = ResultOf<"plugin/list">;
/** The marketplaces with their installed plugins, and those that could not be loaded. */
export type InstalledPlugins = ResultOf<"plugin/installed">;
/** The steps that the user has to take before the plugin works. */
export type PluginInstallation = ResultOf<"plugin/install">;

/**
 * A plugin of a marketplace: the `path` of the marketplace as `list()` gives it, or the name of a
 * remote one.
 */
export type PluginSelector = { readonly pluginName: string } & (
  { readonly marketplacePath: string } | { readonly remoteMarketplaceName: string }
);

/** Plugins: bundles of skills, hooks, MCP servers and apps. They need the feature `plugins`. */
export class Plugins extends Resource {
  /** The sources of plugins. */
  readonly marketplaces: Marketplaces;

  /** @internal Use `codex.plugins`. */
  constructor(getSession: GetSession) {
    super(getSession);
    this.marketplaces = new Marketplaces(getSession);
  }

  /**
   * Lists the marketplaces and their plugins (`plugin/list`). A marketplace that cannot be read does not
   * fail the call: see `marketplaceLoadErrors`.
   */
  async list(options: ListPluginsOptions = {}, request: RequestOptions = {}): Promise<PluginList> {
    checkParams("plugins.list()", "plugin/list", options);
    checkOptions("plugins.list()", request, requestKeys);
    return this.call("plugin/list", options, request);
  }

  /** Lists the installed plugins, by marketplace (`plugin/installed`). */
  async installed(
    options: InstalledPluginsOptions = {},
    request: RequestOptions = {},
  ): Promise<InstalledPlugins> {
    checkParams("plugins.installed()", "plugin/installed", options);
    checkOptions("plugins.installed()", request, requestKeys);
    return this.call("plugin/installed", options, request);
  }

  /** Searches plugins for a term (`plugin/search`). Experimental in the protocol. */
  search(searchTerm: string, options: SearchPluginsOptions = {}): Pages<PluginSearchResult> {
    checkText("searchTerm", searchTerm);
    checkParams("plugins.search()", "plugin/search", options);
    return this.pages("plugin/search", { ...options, searchTerm });
  }

  /** Reads one plugin: its skills, hooks, apps and MCP servers (`plugin/read`). */
  async read(plugin: PluginSelector): Promise<PluginDetail> {
    check(plugin);
    return (await this.call("plugin/read", plugin)).plugin;
  }

  /**
   * Installs a plugin for the user and switches it on (`plugin/install`). Its MCP servers are
   * programs that threads then start, so know where it comes from. Loaded threads get them with
   * `codex.mcp.reload()`.
   */
  async install(plugin: PluginSelector, request: RequestOptions = {}): Promise<PluginInstallation> {
    check(plugin);
    checkOptions("plugins.install()", request, requestKeys);
    return this.call("plugin/install", plugin, request);
  }

  /**
   * Removes a plugin (`plugin/uninstall`). `pluginId` is the `id` in the lists, such as `"docs@company"`.
   * Removing one that is not installed is no error.
   */
  async uninstall(pluginId: string): Promise<void> {
    checkText("pluginId", pluginId);
    await this.call("plugin/uninstall", { pluginId });
  }
}

function check(plugin: PluginSelector): void {
  checkText("pluginName", plugin.pluginName);
  if ("marketplacePath" in plugin) checkText("marketplacePath", plugin.marketplacePath);
  else checkText("remoteMarketplaceName", plugin.remoteMarketplaceName);
}
