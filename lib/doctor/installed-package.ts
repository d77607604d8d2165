import path from "node:path";
import { ancestors, readJsonObject } from "../runtime/files.js";

/** A package in a `node_modules` of `from` or above, as a module there would import it. */
export async function installedPackage(
  name: string,
  from: string,
): Promise<{ readonly version: string } | undefined> {
  for (const directory of ancestors(from)) {
    if (path.basename(directory) === "node_modules") continue;
    const manifest = path.join(directory, "node_modules", name, "package.json");
    const description = await readJsonObject(manifest);
    if (description === undefined) continue;
    const { version } = description;
    return { version: typeof version === "string" ? version : "0.0.0" };
  }
  return undefined;
}
