import { realpath } from "node:fs/promises";
import path from "node:path";
import { directoriesOf } from "../../runtime/launch.js";
import type { TenantOptions } from "./pool-options.js";

/**
 * What two tenants must not share, as far as it is known: the directories of their server, or the address of a server
 * that runs already.
 */
export async function placesOf(options: TenantOptions): Promise<readonly string[]> {
  if ("url" in options) return [options.url];
  if ("server" in options) return [];
  return Promise.all(directoriesOf(options).map(realPathOf));
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
