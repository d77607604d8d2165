import { appendFile, readFile } from "node:fs/promises";
import { defineTool, type Tool } from "../../lib/index.js";

/** A tool that writes down who calls it. Of all processes that share the file, the first call never ends. */
export function deployTool(log: string): Tool {
  return defineTool({
    name: "deploy",
    description: "Deploys the build.",
    input: { type: "object" },
    execute: async () => {
      await appendFile(log, `${process.pid}\n`);
      if ((await callersOf(log)).length === 1) await new Promise(() => undefined);
      return "deployed";
    },
  });
}

/** The processes that have called it, in order. */
export async function callersOf(log: string): Promise<string[]> {
  return (await readFile(log, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}
