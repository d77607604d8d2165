import { readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";

/**
 * Whether an error tells of the system and not of a file: nothing is left to open or read it with.
 * What cannot be looked at then must not count as missing.
 */
export function isShortage(error: unknown): error is NodeJS.ErrnoException {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code !== undefined && ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"].includes(code);
}

/** For `catch`: gives `fallback` for what cannot be read, and throws on when nothing can be. */
export function orWhenUnreadable<T>(fallback: T): (error: unknown) => T {
  return (error) => {
    if (isShortage(error)) throw error;
    return fallback;
  };
}

/** Looks at the file or directory at `file`, following links. */
export async function kindOf(file: string): Promise<"file" | "directory" | "missing"> {
  const found = await stat(file).catch(orWhenUnreadable(undefined));
  if (found === undefined) return "missing";
  return found.isDirectory() ? "directory" : "file";
}

/** The object in a JSON file, or `undefined` when there is no such file or no object in it. */
export async function readJsonObject(
  file: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readFile(file, "utf8").catch(orWhenUnreadable(undefined));
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // it is no JSON
  }
}

/** `file` with links resolved, or `file` itself where that is not possible. */
export function resolveLinks(file: string): Promise<string> {
  return realpath(file).catch(orWhenUnreadable(file));
}

/** `directory` and every directory above it, innermost first. */
export function* ancestors(directory: string): Generator<string> {
  for (let current = path.resolve(directory); ; current = path.dirname(current)) {
    yield current;
    if (path.dirname(current) === current) return;
  }
}
