import { realpath } from "node:fs/promises";
import { onAbort, orAborted, throwIfAborted } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import { safeLogger } from "../async/logger.js";
import { ConnectError } from "../errors/connect-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { loadWs, type LoadWs } from "./load-ws.js";
import { openWebSocket } from "./open-web-socket.js";
import { hintOfWay, proxyAgentOfNode } from "./proxy-agent.js";
import { parseSocketAddress, type SocketAddress } from "./socket-address.js";
import {
  checkSocketOptions,
  checkToken,
  type SocketOptions,
  type SocketSettings,
  type TokenSource,
} from "./socket-options.js";
import type { Transport } from "./transport.js";

/** Reads the address from a URL, and checks the options. */
export function checkSocket(url: string, options: SocketOptions): SocketAddress {
  checkSocketOptions(options);
  const address = parseSocketAddress(url, options.allowPlaintext);
  if (options.agent !== undefined && address.socketPath !== undefined) {
    throw new InvalidArgumentError("agent", "must not be given with unix://, which needs no proxy");
  }
  return address;
}

/**
 * Connects to a server that listens on `ws://`, `wss://` or `unix://`, which all carry WebSocket.
 *
 * @throws InvalidArgumentError or MissingDependencyError before anything is sent, ConnectError, what
 * the token function throws, or `signal.reason`.
 */
export async function openSocketTransport(
  url: string,
  options: SocketSettings = {},
  load?: LoadWs,
): Promise<Transport> {
  const address = checkSocket(url, options);
  throwIfAborted(options.signal);
  const webSocketClass = await loadWs("WebSocket", address.shown, load);
  throwIfAborted(options.signal);
  const { connectTimeoutMs = 30_000, maxMessageBytes = 256 * 1024 * 1024 } = options;

  const attempt = new AbortController();
  using _link = onAbort(options.signal, (reason) => {
    attempt.abort(reason);
  });
  const agent = options.agent ?? proxyAgentOfNode(address);
  using _deadline = onDeadline(connectTimeoutMs, () => {
    const problem = `it took longer than ${connectTimeoutMs} ms.${hintOfWay(address, agent)}`;
    attempt.abort(new ConnectError(address.shown, problem, { retryable: true }));
  });
  const { signal } = attempt;
  const token = await tokenOf(options.token, signal);
  const { headers, tls } = options;
  // A server makes its path a link to a socket at a short one, since the path of a socket is limited to about a
  // hundred characters; only its target can always be connected to.
  const given = address.socketPath;
  const socketPath = given && (await realpath(given).catch(() => given));
  return await openWebSocket(
    webSocketClass,
    { ...address, socketPath },
    {
      ...{ token, headers, tls, agent, maxMessageBytes, signal },
      pingIntervalMs: options.pingIntervalMs ?? 30_000,
      pongTimeoutMs: options.pongTimeoutMs ?? 10_000,
      logger: safeLogger(options.logger),
    },
  );
}

async function tokenOf(
  source: TokenSource | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (typeof source !== "function") return source;
  const given = await orAborted(Promise.resolve().then(source), signal);
  throwIfAborted(signal);
  return checkToken(given);
}
