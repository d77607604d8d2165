import path from "node:path";
import { ownDirectory } from "../../runtime/own-directory.js";

/**
 * Loads a package whose import has failed: some hosts, such as jest, have nothing but `require`, and an import that has
 * failed once may fail for ever. Rejects with the error of the import when that fails, too.
 */
export async function requireInstead(name: string, error: unknown): Promise<object> {
  const own = await ownDirectory();
  if (own === undefined) throw error;
  // It is not imported from `node:module`: bundlers would read that, and cannot know the place.
  const { createRequire } = process.getBuiltinModule("node:module");
  try {
    return createRequire(path.join(own, "require-instead.js"))(name) as object;
  } catch {
    throw error;
  }
}
