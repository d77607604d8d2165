import { checkOptions } from "../../errors/check-options.js";
import { checkText } from "../../errors/check-values.js";
import { toServerPath } from "../../paths/server-files.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import { requestKeys, type RequestOptions } from "../../jsonrpc/connection.js";
import { connectedFor } from "../../session/until-connected.js";
import { checkParams, Resource } from "../resource.js";

/** The part of a Git repository to use, as in `marketplace/add`. */
export type AddMarketplaceOptions = Omit<ParamsOf<"marketplace/add">, "source">;
/** The marketplace's name, where it is, and whether it was there before. */
export type AddedMarketplace = ResultOf<"marketplace/add">;
/** The marketplaces that were upgraded, and those that failed. */
export type MarketplaceUpgrade = ResultOf<"marketplace/upgrade">;

/**
 * The sources of plugins: directories and Git repositories in the user's configuration. Give `timeoutMs`
 * to a clone that takes longer than other requests may.
 */
export class Marketplaces extends Resource {
  /**
   * Adds a marketplace (`marketplace/add`): a directory of the server's machine, `owner/repo` on GitHub, or
   * a Git URL. A directory that begins with `./` or `../` starts at the working directory of this process
   * when the server shares its files (see `sharesFiles`), and is refused otherwise. Adding a marketplace
   * again changes nothing.
   */
  async add(
    source: string,
    options: AddMarketplaceOptions = {},
    request: RequestOptions = {},
  ): Promise<AddedMarketplace> {
    checkText("source", source);
    checkParams("marketplaces.add()", "marketplace/add", options);
    checkOptions("marketplaces.add()", request, requestKeys);
    const [session, left] = await connectedFor(this.getSession, "marketplace/add", request);
    // The server tells a directory from a repository by how it begins.
    const isRelative = /^\.{1,2}(?:[\\/]|$)/.test(source);
    const place = isRelative ? toServerPath(session.serverFiles, "source", source) : source;
    return session.call("marketplace/add", { ...options, source: place }, left);
  }

  /** Takes a marketplace off the list (`marketplace/remove`); a local directory stays where it is. */
  async remove(marketplaceName: string): Promise<void> {
    checkText("marketplaceName", marketplaceName);
    await this.call("marketplace/remove", { marketplaceName });
  }

  /**
   * Fetches the news of one Git marketplace, or of all (`marketplace/upgrade`). Failures of single ones do
   * not fail the call: see `errors`.
   */
  async upgrade(
    marketplaceName?: string,
    request: RequestOptions = {},
  ): Promise<MarketplaceUpgrade> {
    checkOptions("marketplaces.upgrade()", request, requestKeys);
    if (marketplaceName !== undefined) checkText("marketplaceName", marketplaceName);
    return this.call("marketplace/upgrade", { marketplaceName }, request);
  }
}
