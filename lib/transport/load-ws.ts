// By another name: those who bundle us into an ES module often put a `createRequire` before it all.
import { createRequire as requireFrom } from "node:module";
import type { WebSocket } from "ws";
import { ConnectError, MissingDependencyError } from "../errors/connect-errors.js";
import { runningFile } from "../runtime/running-file.js";

export type WebSocketClass = typeof WebSocket;

/** The optional package, once it is imported. */
interface WsModule {
  readonly WebSocket?: WebSocketClass | undefined;
}

/** Imports the optional package when the first socket is opened. */
export type LoadWs = () => Promise<WsModule>;

/**
 * @param address what is to be connected to, for the error.
 * @throws MissingDependencyError when the package is not installed; ConnectError when it is, and cannot
 * be loaded now, such as without a free file descriptor. That may be tried again.
 */
export async function loadWs(
  address: string,
  load: LoadWs = () => import("ws"),
): Promise<WebSocketClass> {
  try {
    return (await load()).WebSocket ?? requireWs();
  } catch (error) {
    if (isMissing(error)) {
      throw new MissingDependencyError("ws", "ws@8", "To connect to a socket", { cause: error });
    }
  }
  try {
    return requireWs();
  } catch (error) {
    const problem = `the package ws could not be loaded (${nameOf(error)}).`;
    throw new ConnectError(address, problem, { retryable: true }, { cause: error });
  }
}

/**
 * An import that has failed once may fail for ever, or find but half of the package: Node.js remembers
 * what it could not read. `require` looks again.
 */
function requireWs(): WebSocketClass {
  const file = runningFile();
  if (file === undefined) throw new Error("there is no file to load it from");
  return (requireFrom(file)("ws") as { readonly WebSocket: WebSocketClass }).WebSocket;
}

/** Whether `ws` itself is not there. That a part of it is missing, or what it needs, is another matter. */
function isMissing(error: unknown): boolean {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return false;
  const name = /(["'])(.+?)\1/.exec(message)?.[2];
  return name === undefined || name === "ws";
}

function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as NodeJS.ErrnoException;
  return code ?? name;
}
