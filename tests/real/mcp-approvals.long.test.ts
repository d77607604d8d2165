import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { approve, type Codex, type StartThreadOptions } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { mcpConfig } from "../support/mcp-config.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let codex: Codex;
const lines: string[] = [];

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex({ logger: { warn: (line) => void lines.push(line) } });
});
afterAll(() => stage.close());

let runs = 0;

/** Has the model call a tool that is not marked as harmless; tells whether it ran, and what was asked. */
async function callTool(
  options: StartThreadOptions,
  mode?: "prompt" | "approve",
): Promise<{ ran: boolean; asked: number }> {
  const file = path.join(stage.project, `acted-${(runs += 1)}`);
  const server = { ...mcpConfig("asking-mcp-server"), default_tools_approval_mode: mode };
  let asked = 0;
  const thread = await codex.startThread({
    config: { mcp_servers: { asking: JSON.parse(JSON.stringify(server)) as object } } as never,
    onElicitation: () => ((asked += 1), "decline"),
    ...options,
  });
  await codex.mcp.started(thread.id);
  stage.model.enqueueFor(thread.id, reply.mcpTool("asking", "act", { file }), reply.text("Tried."));
  await thread.run("Act");
  return { ran: existsSync(file), asked };
}

const anywhere = { sandbox: "danger-full-access" } as const;

test.each([
  ["on-request", "danger-full-access", "prompt", { ran: false, asked: 1 }],
  ["on-request", "danger-full-access", undefined, { ran: false, asked: 1 }],
  ["on-request", "danger-full-access", "approve", { ran: true, asked: 0 }],
  ["untrusted", "danger-full-access", undefined, { ran: false, asked: 1 }],
  ["never", "danger-full-access", "prompt", { ran: true, asked: 0 }],
  ["never", "danger-full-access", undefined, { ran: true, asked: 0 }],
  ["never", "workspace-write", undefined, { ran: false, asked: 0 }],
] as const)(
  "under %s and %s, with the approval mode %s, a writing tool that is declined: %j",
  async (approvalPolicy, sandbox, mode, outcome) => {
    expect(await callTool({ approvalPolicy, sandbox }, mode)).toEqual(outcome);
  },
);

test.each([
  ["untrusted", "danger-full-access"],
  ["never", "read-only"],
] as const)(
  "under %s and %s, a tool that says it only reads is called unasked",
  async (approvalPolicy, sandbox) => {
    let asked = 0;
    const thread = await codex.startThread({
      approvalPolicy,
      sandbox,
      config: { mcp_servers: { shouting: mcpConfig("mcp-server") } },
      onElicitation: () => ((asked += 1), "decline"),
    });
    await codex.mcp.started(thread.id);
    const shout = reply.mcpTool("shouting", "shout", { text: "hello" });
    stage.model.enqueueFor(thread.id, shout, reply.text("Shouted."));
    const { items } = await thread.run("Shout");
    expect(items).toContainEqual(
      expect.objectContaining({ type: "mcpToolCall", status: "completed" }),
    );
    expect(asked).toBe(0);
  },
);

test("is refused without a handler, and the log names the handler that was missing", async () => {
  lines.length = 0;
  const options = { ...anywhere, approvalPolicy: "on-request", onElicitation: undefined } as const;
  expect(await callTool(options)).toMatchObject({ ran: false });
  expect(lines).toEqual([
    "mcpServer/elicitation/request was refused: nobody handles it (onElicitation).",
  ]);
});

test("is refused when the handler allows it for a time that there is not", async () => {
  lines.length = 0;
  const onElicitation = () => approve.tool({ persist: "forever" as "always" });
  const options = { ...anywhere, approvalPolicy: "on-request", onElicitation } as const;
  expect(await callTool(options)).toMatchObject({ ran: false });
  expect(lines).toEqual([
    'mcpServer/elicitation/request was refused: its handler failed: persist must be "session" or "always".',
  ]);
});
