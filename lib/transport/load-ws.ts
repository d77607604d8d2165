import path from "node:path";
import type { WebSocket, WebSocketServer } from "ws";
import { ConnectError, MissingDependencyError } from "../errors/connect-errors.js";
import { findPackageRoot } from "../runtime/bundle.js";
import { ownDirectory } from "../runtime/own-directory.js";

export type WebSocketServerClass = typeof WebSocketServer;

/** The optional package, once it is imported. */
interface WsModule {
  readonly WebSocket?: typeof WebSocket | undefined;
  readonly WebSocketServer?: WebSocketServerClass | undefined;
}

/** Imports the optional package when the first socket is opened. */
export type LoadWs = () => Promise<WsModule>;

/**
 * Loads a class of the optional package.
 *
 * @param address what is to be connected to, for the error.
 * @throws MissingDependencyError when the package is not installed; ConnectError when it is, and cannot
 * be loaded now, such as without a free file descriptor. That may be tried again.
 */
export async function loadWs<Part extends keyof WsModule>(
  part: Part,
  address: string,
  load?: LoadWs,
): Promise<NonNullable<WsModule[Part]>> {
  try {
    // Bundlers let a package be missing that is imported, and awaited, right in a `try`. Some put an
    // empty module in its place.
    const { [part]: found }: WsModule = load ? await load() : await import("ws");
    if (found) return found;
  } catch (error) {
    if (isMissing(error)) throw await missingWs(error);
  }
  try {
    return await requireWs(part);
  } catch (error) {
    if (isMissing(error)) throw await missingWs(error);
    const { code, name } = (error ?? {}) as NodeJS.ErrnoException;
    const problem = `the package ws could not be loaded (${code ?? name}).`;
    throw new ConnectError(address, problem, { retryable: true }, { cause: error });
  }
}

async function missingWs(cause: unknown): Promise<MissingDependencyError> {
  const isBundled = await isPartOfBundle().catch(() => false);
  const install = isBundled ? "ws@8, and build the bundle again" : "ws@8";
  return new MissingDependencyError("ws", install, "To connect to a socket", { cause });
}

async function isPartOfBundle(): Promise<boolean> {
  const own = await ownDirectory();
  return own === undefined || (await findPackageRoot(own)) === undefined;
}

/**
 * An import that has failed once may fail for ever, or find but half of the package: Node.js remembers
 * what it could not read. `require` looks again. Some hosts, such as jest, have nothing but `require`.
 * It is not imported from `node:module`: bundlers would read that, and cannot know the place.
 */
async function requireWs<Part extends keyof WsModule>(
  part: Part,
): Promise<NonNullable<WsModule[Part]>> {
  const own = await ownDirectory();
  if (own === undefined) throw new Error("its place is not known");
  const { createRequire } = process.getBuiltinModule("node:module");
  const fromHere = createRequire(path.join(own, "load-ws.js"));
  const found = (fromHere("ws") as WsModule)[part];
  if (found) return found;
  // jest-environment-jsdom takes what packages offer to browsers, where ws does nothing. Its file for
  // Node.js lies beside that.
  const main = path.join(path.dirname(fromHere.resolve("ws/package.json")), "index.js");
  const { [part]: inMain } = fromHere(main) as WsModule;
  if (!inMain) throw new Error(`it has no class ${part}`);
  return inMain;
}

/** Whether `ws` itself is not there. That a part of it is missing, or what it needs, is another matter. */
function isMissing(error: unknown): boolean {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return false;
  const name = /(["'])(.+?)\1/.exec(message)?.[2];
  return name === undefined || name === "ws";
}
