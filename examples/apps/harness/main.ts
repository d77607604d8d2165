import { createInterface } from "node:readline/promises";
import { agent, codex } from "./agent.js";

const prompt = process.argv.slice(2).join(" ") || "What is in this directory?";
const terminal = createInterface({ input: process.stdin, output: process.stdout });
const session = await agent.createSession();
try {
  let result = await agent.stream({ session, prompt });
  for (;;) {
    const toolApprovalContinuations = [];
    for await (const part of result.fullStream) {
      if (part.type === "text-delta") process.stdout.write(part.text);
      if (part.type === "error") throw part.error;
      if (part.type !== "tool-approval-request") continue;
      const { toolName, input } = part.toolCall;
      const answer = await terminal.question(
        `\n${toolName} ${JSON.stringify(input)}\nAllow? (y/n) `,
      );
      const { approvalId } = part;
      const approved = answer.trim().toLowerCase() === "y";
      toolApprovalContinuations.push({
        type: "tool-approval-response" as const,
        approvalId,
        approved,
      });
    }
    if (toolApprovalContinuations.length === 0) break;
    result = await agent.continueStream({ session, toolApprovalContinuations });
  }
  process.stdout.write("\n");
} finally {
  terminal.close();
  await session.destroy();
  await codex.close();
}
