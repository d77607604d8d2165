/**
 * All of it at once: approvals, a tool, streamed answers, and a server that is killed in the middle of
 * a turn. The README's picture shows what this prints (`npm run picture` makes it).
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Codex, defineTool, isAppServerError, type ApprovalRequest } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import * as z from "zod";

const cwd = await mkdtemp(path.join(tmpdir(), "agent-at-work-"));
const script = 'const sum = (a, b) => a - b;\nconsole.log("2 + 2 =", sum(2, 2));\n';
await writeFile(path.join(cwd, "sum.mjs"), script);
// The model's answers. With PACE_MS set, it takes its time.
const pace = { delayMs: Number(process.env["PACE_MS"] ?? 0) };
const change = "-const sum = (a, b) => a - b;\n+const sum = (a, b) => a + b;";
await using model = await startLoopbackModel();
model.enqueue(
  [reply.commentary("I will run it first.", pace), reply.shell("node sum.mjs")],
  reply.applyPatch(`*** Begin Patch\n*** Update File: sum.mjs\n@@\n${change}\n*** End Patch`),
  reply.shell("node sum.mjs"),
  reply.functionCall("close_ticket", { number: 17 }),
  reply.text("sum() subtracted; now it adds, the result is right, and ticket 17 is closed.", pace),
  reply.shell("kill -9 $PPID"), // the parent of the command is the server itself
  reply.text("You asked me to repair sum.mjs and to close ticket 17. Both are done.", pace),
);

const closeTicket = defineTool({
  name: "close_ticket",
  description: "Closes a ticket of our issue tracker.",
  input: z.object({ number: z.number() }),
  execute: ({ number }) => {
    console.log(`# close_ticket(${number}) runs in this process`);
    return "closed";
  },
});

await using codex = new Codex({ ...(await configFor(model)), onApproval: decide });
const thread = await codex.startThread({ cwd, approvalPolicy: "untrusted", tools: [closeTicket] });
const outcomes: string[] = [];
await ask("sum.mjs says that 2 + 2 is 0. Repair it, and close ticket 17.");
await ask("Now kill the server.");
await ask("Do you still know what I asked for?"); // another server starts, and loads the thread
assert.deepEqual(outcomes, ["completed", "TRANSPORT_CLOSED", "completed"]);
await rm(cwd, { recursive: true });

async function ask(question: string): Promise<void> {
  console.log(`> ${question}`);
  const turn = thread.turn(question, { timeoutMs: 60_000 });
  try {
    for await (const { method, params } of turn) {
      if (method === "item/agentMessage/delta") process.stdout.write(params.delta);
      if (method !== "item/completed") continue;
      const { item } = params;
      if (item.type === "agentMessage") console.log();
      if (item.type === "commandExecution") console.log(item.aggregatedOutput?.trim());
    }
    const { status } = await turn.run();
    outcomes.push(status);
    console.log(`✓ ${status}\n`);
  } catch (error) {
    if (!isAppServerError(error)) throw error;
    outcomes.push(error.code);
    console.log(`✗ ${error.code}: ${error.message}\n`);
  }
}

async function decide(request: ApprovalRequest) {
  await sleep(1); // what the agent has said before is printed first
  if (request.type === "fileChange") console.log(request.changes?.[0]?.diff.trim());
  const command = request.type === "command" ? request.commandActions?.[0]?.command : undefined;
  process.stdout.write(`? ${command ? `run ${command}` : "apply this patch"}?`);
  await sleep(pace.delayMs * 10); // somebody reads it, and clicks
  console.log(" yes");
  return "accept" as const;
}
