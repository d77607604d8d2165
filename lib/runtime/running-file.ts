import path from "node:path";
import { fileURLToPath } from "node:url";

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
  // With frozen intrinsics nobody can be asked.
  if (Object.isFrozen(Error)) return undefined;
  const { stackTraceLimit } = Error;
  const prepareStackTrace = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_error, sites) => sites;
    Error.captureStackTrace(holder);
    // It is made when it is first read.
    const { stack } = holder;
    return Array.isArray(stack) ? (stack as NodeJS.CallSite[])[0] : undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (prepareStackTrace) Object.defineProperty(Error, "prepareStackTrace", prepareStackTrace);
    else Reflect.deleteProperty(Error, "prepareStackTrace");
  }
}
