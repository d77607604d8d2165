import type { WebSocket } from "ws";
import { MissingDependencyError } from "../errors/connect-errors.js";

export type WebSocketClass = typeof WebSocket;

/** Imports the optional package when the first socket is opened. */
export type LoadWs = () => Promise<{ readonly WebSocket: WebSocketClass }>;

/** @throws MissingDependencyError when it cannot be imported. */
export async function loadWs(load: LoadWs = () => import("ws")): Promise<WebSocketClass> {
  try {
    return (await load()).WebSocket;
  } catch (error) {
    throw new MissingDependencyError("ws", "ws@8", "To connect to a socket", { cause: error });
  }
}
