import { readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";

/** What stands at `file`, links followed. */
export async function kindOf(file: string): Promise<"file" | "directory" | "missing"> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return "missing";
  return found.isDirectory() ? "directory" : "file";
}

/** The object in a JSON file, or `undefined` when there is no such file or no object in it. */
export async function readJsonObject(
  file: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** `file` with links resolved, or `file` itself where that is not possible. */
export function resolveLinks(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}

/** `directory` and every directory above it, innermost first. */
export function* ancestors(directory: string): Generator<string> {
  for (let current = path.resolve(directory); ; current = path.dirname(current)) {
    yield current;
    if (path.dirname(current) === current) return;
  }
}
