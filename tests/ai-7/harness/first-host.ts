/**
 * The first host of a session, in a process of its own: `first-host.ts <options>`. Reads the turn until it asks
 * something, prints the state in which it leaves it, and waits for its end.
 */
import type { HarnessAgent } from "@ai-sdk/harness/agent";
import { createCodexHarness, createCodexSandbox } from "../../../lib/ai/index.js";
import { Codex } from "../../../lib/index.js";
import { addTool } from "../../support/ai-model.js";

export interface FirstHostOptions {
  /** The module that has `HarnessAgent`: outside jest nothing leads to it by its name. */
  readonly agentModule: string;
  readonly url: string;
  readonly directory: string;
}

export interface LeftSession {
  readonly sessionId: string;
  readonly state: unknown;
  readonly parts: readonly { readonly type: string; readonly [field: string]: unknown }[];
}

const options = JSON.parse(process.argv[2] ?? "") as FirstHostOptions;
const module = (await import(options.agentModule)) as { HarnessAgent: typeof HarnessAgent };
const codex = new Codex({ url: options.url });
const { execute: _, ...add } = addTool();
const agent = new module.HarnessAgent({
  harness: createCodexHarness({ codex, thread: { sandbox: "danger-full-access" } }),
  sandbox: createCodexSandbox({
    codex,
    directory: options.directory,
    commands: "danger-full-access",
  }),
  permissionMode: "allow-reads",
  tools: { add: add as never },
});
const session = await agent.createSession();
const result = await agent.stream({ session, prompt: "Go" });
const parts: LeftSession["parts"][number][] = [];
for await (const part of result.fullStream as AsyncIterable<never>) parts.push(part);
const { sessionId } = session;
const left: LeftSession = { sessionId, state: await session.suspendTurn(), parts };
console.log(JSON.stringify(left));
// Its connection stays open until somebody kills it.
