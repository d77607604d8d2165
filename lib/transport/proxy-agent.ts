import type { Agent as HttpAgent } from "node:http";
import { Agent, globalAgent } from "node:https";
import type { SocketAddress } from "./socket-address.js";

/**
 * An agent that goes by `HTTPS_PROXY`, where Node.js was told to do so (`NODE_USE_ENV_PROXY=1`, from 22.21 and
 * 24.5 on): its own agent then has the variables. It keeps connections to use them again, which an upgrade
 * must not find closed, so this is another one.
 */
export function proxyAgentOfNode(
  { url }: SocketAddress,
  { options }: { readonly options?: object } = globalAgent,
): HttpAgent | undefined {
  // The types do not know of it.
  const { proxyEnv } = (options ?? {}) as { readonly proxyEnv?: unknown };
  // Unencrypted traffic stays on this machine, or in a network that somebody vouches for.
  if (!url.startsWith("wss:") || typeof proxyEnv !== "object" || proxyEnv === null)
    return undefined;
  return new Agent({ proxyEnv } as object);
}

/** A sentence on what may be wrong on the way to a server that is not reached, or nothing. */
export function hintOfWay({ url }: SocketAddress, agent: HttpAgent | undefined): string {
  if (agent !== undefined) return " The agent leads there: its proxy may be what is not reached.";
  const isSet = proxyVariables.some((name) => (process.env[name] ?? "") !== "");
  return isSet && url.startsWith("wss:")
    ? " HTTPS_PROXY is set, and does not count here: give the option agent."
    : "";
}

const proxyVariables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
