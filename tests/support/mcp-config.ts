import path from "node:path";
import { compileProgram } from "./compile-program.js";

type Name = "mcp-server" | "asking-mcp-server" | "fickle-mcp-server";

const compile = (name: Name) => compileProgram(path.join(import.meta.dirname, `${name}.ts`));
const programs: Readonly<Record<Name, string>> = {
  "mcp-server": await compile("mcp-server"),
  "asking-mcp-server": await compile("asking-mcp-server"),
  "fickle-mcp-server": await compile("fickle-mcp-server"),
};

/** The configuration that has the server start one of the MCP servers beside this file. */
export function mcpConfig(
  name: Name,
  env: Record<string, string> = {},
): { command: string; args: string[]; env: Record<string, string> } {
  return { command: process.execPath, args: [programs[name]], env };
}
