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
  const { stackTraceLimit } = Error;
  const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  // Defined, not assigned: what the host may have put there as a setter is not to hear of it.
  const isDefined = Reflect.defineProperty(Error, "prepareStackTrace", {
    configurable: before?.configurable ?? true,
    value: (_error: Error, sites: NodeJS.CallSite[]) => sites,
  });
  // A host that has frozen it cannot be asked.
  if (!isDefined) return undefined;
  const holder: { stack?: unknown } = {};
  try {
    Reflect.set(Error, "stackTraceLimit", 1);
    Error.captureStackTrace(holder);
    // It is made when it is first read.
    const { stack } = holder;
    return Array.isArray(stack) ? (stack as NodeJS.CallSite[])[0] : undefined;
  } finally {
    Reflect.set(Error, "stackTraceLimit", stackTraceLimit);
    if (before) Object.defineProperty(Error, "prepareStackTrace", before);
    else Reflect.deleteProperty(Error, "prepareStackTrace");
  }
}
