import { plainWords } from "../errors/without-values.js";
import type { Codex, McpStartup, protocol } from "../index.js";
import type { Finding } from "./finding.js";
import { firstWords } from "./first-words.js";

const name = "mcp";
const maxCharacters = 120;

/**
 * Whether the MCP servers of a thread start. One that does not fails no turn: the model lacks its tools, and
 * nothing tells.
 */
export async function checkMcpServers(
  codex: Codex,
  threadId: string,
  signal: AbortSignal,
): Promise<Finding> {
  const servers = await codex.mcp.started(threadId, { signal });
  const wanted = servers.filter(({ runtimeStatus }) => runtimeStatus !== "disabled");
  if (wanted.length === 0) return { name, status: "ok", says: "no MCP servers are configured" };
  const failed = wanted.filter((server) => problemOf(server) !== undefined);
  if (failed.length === 0) return { name, status: "ok", says: `started: ${namesOf(wanted)}` };
  const says = failed.map((server) => `${server.name} (${problemOf(server)})`).join(", ");
  return {
    name,
    status: "failure",
    says: `MCP servers do not start: ${says}.`,
    cure: cureOf(failed),
  };
}

/** The finding when time is up before all have started. */
export function lateMcpServers(startups: readonly McpStartup[], limit: string): Finding {
  const states = new Map(startups.map((startup) => [startup.name, startup.status]));
  const namesIn = (wanted: McpStartup["status"]) =>
    [...states].flatMap(([server, status]) => (status === wanted ? [shown(server)] : []));
  const [open, failed] = [namesIn("starting"), namesIn("failed")];
  const which = open.length === 0 ? "the MCP servers" : open.join(", ");
  const others = failed.length === 0 ? "" : ` Failed: ${failed.join(", ")}.`;
  return {
    name,
    status: "failure",
    says: `Not answered within ${limit}: ${which}.${others}`,
    cure: `${correct} A limit of their own is startup_timeout_sec.`,
  };
}

const correct =
  "Correct the command or url in mcp_servers of the configuration, or set enabled = false.";

function problemOf(server: protocol.McpServerStatus): string | undefined {
  if (wantsLogin(server)) return "wants a login";
  const { runtimeStatus, toolsError } = server;
  if (toolsError !== null) {
    return firstWords(plainWords(toolsError.replace(/^MCP startup failed: /, "")), maxCharacters);
  }
  const isFine = runtimeStatus === null || runtimeStatus === "connected";
  return isFine ? undefined : runtimeStatus;
}

function wantsLogin({ runtimeStatus, authStatus }: protocol.McpServerStatus): boolean {
  return runtimeStatus === "authenticationRequired" || authStatus === "notLoggedIn";
}

function cureOf(failed: readonly protocol.McpServerStatus[]): string {
  const logins = failed.filter(wantsLogin).map((server) => `codex mcp login ${shown(server.name)}`);
  const login = logins.length === 0 ? [] : [`Run: ${logins.join(", ")}.`];
  return [...login, ...(failed.every(wantsLogin) ? [] : [correct])].join(" ");
}

function namesOf(servers: readonly protocol.McpServerStatus[]): string {
  return servers.map((server) => shown(server.name)).join(", ");
}

/** A name is a key of the configuration, and so may be any text. */
function shown(text: string): string {
  return text.replaceAll(/[^\w.@/-]/g, "?");
}
