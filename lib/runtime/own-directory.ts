import path from "node:path";
import { fileURLToPath } from "node:url";
import { kindOf } from "./files.js";

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

/**
 * Absolute path of the file that this very code runs from, or `undefined` when there is none, as in
 * `node -e`. The engine is asked. `import.meta.url` would do until the library is bundled: a bundler
 * may have put in its place where the library lay on the machine that built the bundle.
 */
export function runningFile(): string | undefined {
  const name = topCallSite()?.getFileName();
  if (typeof name !== "string") return undefined;
  if (!name.startsWith("file:")) return path.isAbsolute(name) ? name : undefined;
  try {
    return fileURLToPath(name);
  } catch {
    return undefined; // of another host, or not a path of this system
  }
}

/** The call sites are as the engine has them; the text of a stack may follow source maps. */
function topCallSite(): NodeJS.CallSite | undefined {
  const { stackTraceLimit } = Error;
  const restore = replacePrepare((_error, sites) => sites);
  // A host that has frozen it cannot be asked.
  if (!restore) return undefined;
  const holder: { stack?: unknown } = {};
  try {
    Reflect.set(Error, "stackTraceLimit", 1);
    Error.captureStackTrace(holder);
    // It is made when it is first read.
    const { stack } = holder;
    return Array.isArray(stack) ? (stack as NodeJS.CallSite[])[0] : undefined;
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
    restore();
  }
}

/** Gives the function that undoes it, or nothing where a host does not allow it. */
function replacePrepare(
  value: (error: Error, sites: NodeJS.CallSite[]) => unknown,
): (() => void) | undefined {
  const name = "prepareStackTrace";
  const before = Object.getOwnPropertyDescriptor(Error, name);
  if ("bun" in process.versions) {
    // Bun goes by what was assigned last, whatever the property says.
    if (!Reflect.set(Error, name, value)) return undefined;
    return () => Reflect.set(Error, name, before?.value);
  }
  // Defined, not assigned: what the host may have put there as a setter is not to hear of it.
  const configurable = before?.configurable ?? true;
  if (!Reflect.defineProperty(Error, name, { configurable, value })) return undefined;
  return () => {
    if (before) Object.defineProperty(Error, name, before);
    else Reflect.deleteProperty(Error, name);
  };
}
