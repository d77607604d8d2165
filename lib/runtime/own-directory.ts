import path from "node:path";
import { kindOf } from "./files.js";
import { runningFile } from "./running-file.js";

/**
 * Directory of this library's code, also when it was bundled into other code. Code inside an executable
 * lies where the executable does; what it is called there is a path of the machine that built it.
 * `undefined` when the code has no file.
 */
export async function ownDirectory(): Promise<string | undefined> {
  if (isInsideExecutable()) return path.dirname(process.execPath);
  const file = runningFile();
  return file !== undefined && (await kindOf(file)) === "file" ? path.dirname(file) : undefined;
}

function isInsideExecutable(): boolean {
  const { Bun } = globalThis as { readonly Bun?: { readonly main?: unknown } };
  const sea = process.getBuiltinModule("node:sea") as { isSea(): boolean } | undefined;
  return (typeof Bun?.main === "string" && insideBun.test(Bun.main)) || sea?.isSea() === true;
}

/** The place where `bun build --compile` puts code; nothing on a disk has such a path. */
const insideBun = /^(?:\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/i;
