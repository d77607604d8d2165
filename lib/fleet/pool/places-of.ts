import { realpath } from "node:fs/promises";
import path from "node:path";
import { directoriesOf } from "../../runtime/launch.js";
import type { TenantOptions } from "./pool-options.js";

/**
 * What two tenants must not share, as far as it is known: the directories of their server, or the address of a server
 * that runs already.
 */
export async function placesOf(options: TenantOptions): Promise<readonly string[]> {
  if ("url" in options) return [await addressOf(options.url)];
  if ("server" in options) return [];
  return Promise.all(directoriesOf(options).map(realPathOf));
}

/** One address for one server, however it is written. */
async function addressOf(url: string): Promise<string> {
  const socket = /^unix:\/\/(.+)/.exec(url)?.[1];
  return socket === undefined ? new URL(url).href : realPathOf(socket);
}

/** The path without symbolic links, as far as it exists. */
async function realPathOf(file: string): Promise<string> {
  const parent = path.dirname(file);
  try {
    return await realpath(file);
  } catch {
    if (parent === file) return file;
    return path.join(await realPathOf(parent), path.basename(file));
  }
}
