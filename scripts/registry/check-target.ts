import path from "node:path";
import { readJsonObject } from "../../lib/runtime/files.js";

/** Throws unless a folder holds a platform's runtime in the layout that we know. */
export async function checkTarget(folder: string, triple: string, spec: string): Promise<void> {
  const description = await readJsonObject(path.join(folder, "codex-package.json"));
  if (description?.target !== triple) {
    throw new Error(`${spec} does not hold a runtime for ${triple} in the layout we know.`);
  }
}
