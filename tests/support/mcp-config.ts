import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// By its place: the server starts it in another directory, where "tsx" says nothing.
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** The configuration that has the server start one of the MCP servers beside this file. */
export function mcpConfig(
  name: "mcp-server" | "asking-mcp-server" | "fickle-mcp-server",
  env: Record<string, string> = {},
): { command: string; args: string[]; env: Record<string, string> } {
  const file = path.join(import.meta.dirname, `${name}.ts`);
  return { command: process.execPath, args: ["--import", loader, file], env };
}
