import { HarnessAgent } from "@ai-sdk/harness/agent";
import { tool } from "ai";
import { basename, dirname } from "node:path";
import { Codex } from "codex-app-server-sdk";
import { createCodexHarness, createCodexSandbox } from "codex-app-server-sdk/ai";
import { z } from "zod";

const { PROJECT = process.cwd(), CODEX_OPTIONS, THREAD_OPTIONS, SANDBOX_OPTIONS } = process.env;
const optionsIn = (json = "{}") => JSON.parse(json) as object;

// With the official adapter, this is `codex` of "@ai-sdk/harness-codex", and a sandbox with a port for its bridge.
export const codex = new Codex(optionsIn(CODEX_OPTIONS));
const harness = createCodexHarness({ codex, thread: optionsIn(THREAD_OPTIONS) });
const directory = dirname(PROJECT);
const sandbox = createCodexSandbox({ codex, directory, ...optionsIn(SANDBOX_OPTIONS) });
const sandboxConfig = { workDir: basename(PROJECT) };

// From here on nothing is about Codex.
export const agent = new HarnessAgent({
  harness,
  sandbox,
  sandboxConfig,
  permissionMode: "allow-edits",
  instructions: "Be brief.",
  tools: {
    today: tool({
      description: "Tells the date of today",
      inputSchema: z.object({}),
      execute: () => new Date().toDateString(),
    }),
  },
});
