import type { IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import type { WebSocket } from "ws";
import { onAbort, throwIfAborted } from "../async/abort.js";
import { explainConnectFailure, explainRefusal } from "./connect-failure.js";
import { hintOfWay } from "./proxy-agent.js";
import type { SocketAddress } from "./socket-address.js";
import type { SocketOptions } from "./socket-options.js";
import { WebSocketTransport, type WebSocketTransportOptions } from "./web-socket-transport.js";

export interface UpgradeOptions
  extends Pick<SocketOptions, "headers" | "tls" | "agent">, WebSocketTransportOptions {
  readonly token: string | undefined;
  /** Ends the attempt; its reason is what the promise rejects with. */
  readonly signal: AbortSignal;
}

/** Makes a WebSocket connection. @throws ConnectError, or the reason of the signal. */
export function openWebSocket(
  create: typeof WebSocket,
  address: SocketAddress,
  options: UpgradeOptions,
): Promise<WebSocketTransport> {
  const { token, headers, tls, agent, signal } = options;
  const { socketPath } = address;
  return new Promise((resolve, reject) => {
    throwIfAborted(signal);
    const webSocket = new create(address.url, {
      headers: {
        ...headers,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      // The server knows no compression, and a redirect would carry the token elsewhere.
      perMessageDeflate: false,
      followRedirects: false,
      // A larger number would wrap around, and mean no limit.
      maxPayload: Math.min(options.maxMessageBytes, 2 ** 31 - 1),
      ...tls,
      ...(agent === undefined ? {} : { agent }),
      ...(socketPath === undefined ? {} : { createConnection: () => connect(socketPath) }),
    });
    let response: IncomingMessage | undefined;
    const unlink = onAbort(signal, (reason) => {
      fail(reason);
    });
    const fail = (reason: unknown): void => {
      unlink();
      webSocket.terminate();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- an abort reason may be anything
      reject(reason);
    };
    // This listener stays: an error without one would end the process.
    webSocket.on("error", (error) => {
      fail(explainConnectFailure(address.shown, error, hintOfWay(address, agent)));
    });
    webSocket.once("unexpected-response", (_request, refusal: IncomingMessage) => {
      void explainRefusal(address.shown, refusal, token).then(fail);
    });
    webSocket.once("upgrade", (upgrade) => {
      response = upgrade;
    });
    webSocket.once("open", () => {
      unlink();
      const { socket: below, headers: answered } = response as IncomingMessage;
      const socket = (below as Socket | null) ?? undefined;
      const limit = Number(answered["x-codex-websocket-max-unfragmented-message-bytes"]);
      const maxFrameBytes = Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
      // In the same tick in which it is ready, so that it listens before the first message is read.
      resolve(new WebSocketTransport({ webSocket, socket, maxFrameBytes }, options));
    });
  });
}
