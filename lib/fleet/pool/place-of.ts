import { realpath } from "node:fs/promises";
import path from "node:path";
import { codexHomeOf } from "../../runtime/launch.js";
import type { TenantOptions } from "./pool-options.js";

/**
 * What two tenants must not share: the directory of their server, or the address of a server that runs already.
 * Undefined when nothing is known of it.
 */
export async function placeOf(options: TenantOptions): Promise<string | undefined> {
  if ("url" in options) return `url ${options.url}`;
  if ("server" in options) return undefined;
  const home = codexHomeOf(options);
  return home === undefined ? undefined : `directory ${await realPathOf(home)}`;
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
