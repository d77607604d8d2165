import type { Duplex } from "node:stream";
import type { Callbacks } from "../errors/callbacks.js";
import { withoutKeys, type KeysOf } from "../errors/check-options.js";
import { check, checkFields, flag, flagOrObject } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import {
  connectionKeys,
  resolveSettings,
  type ConnectionSettings,
  type ResolvedSettings,
} from "./options.js";
import { launchRules } from "../runtime/check-launch-options.js";
import type { Reopening } from "../jsonrpc/reconnecting-connection.js";
import { ReconnectSchedule, type ReconnectOptions } from "../jsonrpc/reconnect.js";
import {
  checkSocketOptions,
  socketRules,
  type SocketOptions,
  type TokenSource,
} from "../transport/socket-options.js";
import { checkSocket, openSocketTransport } from "../transport/socket-transport.js";
import { openStreamTransport, type StreamPair } from "../transport/stream-transport.js";
import type { InProcessServer, Transport } from "../transport/transport.js";

/**
 * The place of a running server: `ws://host:port`, `wss://host:port`, `unix:///absolute/path` (or
 * `unix://`, the server's own default), streams that lead to it, or a server in this
 * process.
 */
export type ConnectTarget = string | { readonly transport: StreamPair | Duplex } | InProcessServer;

/** Options for reaching a server that runs already, and talking to it. */
export interface ConnectOptions extends Omit<ConnectionSettings, "onStderr">, SocketOptions {
  /**
   * Whether, and how, a dropped socket is connected again (default true). Streams cannot be opened again:
   * with them the client ends.
   */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * Whether other clients may use the same server (default true, with streams false). Requests about
   * threads that this client has neither started nor resumed are then left to them.
   */
  shared?: boolean | undefined;
}

export const connectKeys: KeysOf<ConnectOptions> = {
  ...withoutKeys(connectionKeys, "onStderr"),
  ...socketRules,
  reconnect: true,
  shared: true,
};

/** Why an option of a client that connects is of no use to one that starts its server. */
export const onlyToConnect = advice(
  [...Object.keys(socketRules), "reconnect", "shared", "url"],
  ": it is for a server that runs already",
);
/** And the other way round. */
export const onlyToStart = advice(
  [...Object.keys(launchRules), "onStderr"],
  ": it is for a server that the client starts, not for one that runs already",
);

interface ResolvedConnect {
  readonly settings: ResolvedSettings;
  /** Makes a connection, within so many ms; each call makes a new one. Not for streams: those are used up. */
  readonly open: (timeoutMs: number, signal?: AbortSignal) => Promise<Transport>;
  /** How to connect anew when the connection drops; undefined when that is not wanted, or not possible. */
  readonly reopening: Reopening | undefined;
  /** Whether other clients may use the same server. */
  readonly shared: boolean;
}

/** @throws InvalidArgumentError, which names the option. */
export function resolveConnect(target: ConnectTarget, options: ConnectOptions): ResolvedConnect {
  const settings = resolveSettings(options);
  checkFields(options, { reconnect: flagOrObject, shared: flag });
  if (typeof target === "string") {
    checkSocket(target, options);
    const { maxMessageBytes, logger } = settings;
    const { token, headers, tls, agent, allowPlaintext, pingIntervalMs, pongTimeoutMs } = options;
    const socket = { headers, tls, agent, allowPlaintext, pingIntervalMs, pongTimeoutMs };
    const openWith = (used: typeof token) => (connectTimeoutMs: number, signal?: AbortSignal) => {
      const limits = { maxMessageBytes, logger, connectTimeoutMs, signal };
      return openSocketTransport(target, { ...socket, token: used, ...limits });
    };
    const reopen = openWith(reported(token, settings.callbacks));
    const reopening = reopeningWith(reopen, options, settings);
    return { settings, open: openWith(token), reopening, shared: options.shared ?? true };
  }
  const isHere = isServer(target);
  if (!isHere && !("transport" in (Object(target) as object)))
    throw new InvalidArgumentError("url", badTarget);
  checkSocketOptions(options);
  if (typeof options.reconnect === "object" || options.reconnect === true) {
    const where = isHere
      ? "a server in this process"
      : "{ transport }: streams cannot be opened again";
    throw new InvalidArgumentError("reconnect", `must be false with ${where}`);
  }
  const open = async () => (isHere ? target.connect() : openStreamTransport(target.transport));
  return { settings, open, reopening: undefined, shared: options.shared ?? false };
}

/** @throws InvalidArgumentError when it is nothing that makes connections. */
export function checkServer(server: unknown): void {
  const problem = "must have a function `connect`, as a FakeAppServer has";
  check("server", server, { fits: isServer, problem });
}

function isServer(target: unknown): target is InProcessServer {
  return typeof (target as Partial<InProcessServer> | null)?.connect === "function";
}

const badTarget = "must be a string, { transport }, or a server in this process";

function reopeningWith(
  open: ResolvedConnect["open"],
  { reconnect = true }: ConnectOptions,
  { startTimeoutMs }: ResolvedSettings,
): Reopening | undefined {
  if (reconnect === false) return undefined;
  const schedule = new ReconnectSchedule(reconnect === true ? {} : reconnect);
  return { schedule, open: (signal) => open(startTimeoutMs, signal) };
}

/** When a connection is restored, no call rejects with what the token function throws. */
function reported(token: TokenSource | undefined, callbacks: Callbacks): TokenSource | undefined {
  if (typeof token !== "function") return token;
  return async () => {
    try {
      return await token();
    } catch (error) {
      callbacks.failed(error, { where: "token" });
      throw error;
    }
  };
}

function advice(keys: readonly string[], sentence: string): Readonly<Record<string, string>> {
  return Object.fromEntries(keys.map((key) => [key, sentence]));
}
