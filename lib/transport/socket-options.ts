import type { Agent } from "node:http";
import type { SecureContextOptions } from "node:tls";
import { checkKeys, type KeysOf } from "../errors/check-options.js";
import type { Logger } from "../async/logger.js";
import {
  check,
  checkFields,
  flag,
  milliseconds,
  object,
  type Rule,
  type RulesOf,
} from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

/**
 * A bearer token, or a function that gives one. The function is called for each connection, since tokens
 * expire.
 */
export type TokenSource = string | (() => string | Promise<string>);

/** Options for reaching a server that listens on a socket. */
export interface SocketOptions {
  /** Sent as `Authorization: Bearer …` when a connection is made, and nowhere else. */
  token?: TokenSource | undefined;
  /** Further HTTP headers, for a proxy in front of the server. The server itself needs none. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** For `wss://`: your own certificate authority, or a certificate of the client. */
  tls?: Pick<SecureContextOptions, "ca" | "cert" | "key" | "passphrase"> | undefined;
  /**
   * Makes the connections below `ws://` and `wss://`, such as one through a proxy: an agent of `node:http`
   * or `node:https`, or `new HttpsProxyAgent(…)` of the package `https-proxy-agent`. Default: none, so
   * that the server is reached directly. `HTTPS_PROXY` has no effect unless Node.js itself goes by it
   * (`NODE_USE_ENV_PROXY=1`): then it holds for `wss://`, too.
   */
  agent?: Agent | undefined;
  /**
   * Allows `ws://` to other machines (default false). Everything, the token included, is then
   * readable and changeable on the way.
   */
  allowPlaintext?: boolean | undefined;
  /**
   * How long without a sign of life before the client pings the server (ms, default 30,000). However short
   * this is, pings are at least a second apart: a server cuts the connection when they come faster than it
   * can answer. `Infinity` turns them off.
   */
  pingIntervalMs?: number | undefined;
  /** How long it may take to answer a ping before the connection counts as lost (ms, default 10,000). */
  pongTimeoutMs?: number | undefined;
}

/** Text that can stand in a header. */
const tokenText: Rule = {
  fits: (value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value),
  problem:
    "must be, or return, a string of printable ASCII without spaces (trim what you read from a file)",
};

/** Any class will do that does what an agent does; the dispatchers of undici are something else. */
const httpAgent: Rule = {
  fits: (value) => typeof (value as { addRequest?: unknown } | null)?.addRequest === "function",
  problem: "must be an http.Agent, such as new HttpsProxyAgent(…) of the package https-proxy-agent",
};

export const socketRules: RulesOf<SocketOptions> = {
  token: { ...tokenText, fits: (value) => typeof value === "function" || tokenText.fits(value) },
  headers: object,
  tls: object,
  agent: httpAgent,
  allowPlaintext: flag,
  pingIntervalMs: milliseconds,
  pongTimeoutMs: milliseconds,
};

const tlsKeys: KeysOf<NonNullable<SocketOptions["tls"]>> = {
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
};

/** The settings that the connection above gives its socket. */
export interface SocketSettings extends SocketOptions {
  /** How long the connection may take, a token function included (ms, default 30,000). */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest message that is accepted (bytes, default 268,435,456). */
  readonly maxMessageBytes?: number | undefined;
  /** Ends the attempt when it aborts; of no effect once the connection is there. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
}

/** Headers that the handshake is made of, or that would break it. */
const reserved =
  /^(authorization|connection|content-length|host|origin|sec-websocket-.*|transfer-encoding|upgrade)$/i;

export function checkSocketOptions(options: SocketOptions): void {
  checkFields(options, socketRules);
  checkHeaders(options.headers ?? {});
  if (options.tls !== undefined) checkKeys("tls", options.tls, tlsKeys);
}

/** @throws InvalidArgumentError when `token` cannot stand in a header. */
export function checkToken(token: unknown): string {
  check("token", token, tokenText);
  return token as string;
}

function checkHeaders(headers: object): void {
  for (const [name, value] of Object.entries(headers) as [string, unknown][]) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      throw new InvalidArgumentError("headers", "must have names that HTTP allows");
    }
    if (reserved.test(name)) {
      const instead = /^authorization$/i.test(name) ? "; use token" : "";
      throw new InvalidArgumentError(`headers.${name}`, `must not be set${instead}`);
    }
    if (typeof value !== "string" || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new InvalidArgumentError(`headers.${name}`, "must be text that HTTP allows");
    }
  }
}
