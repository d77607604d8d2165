// A tiny MCP server over JSON lines: one tool, `shout`, that answers in capitals.
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly protocolVersion?: string; readonly arguments?: { text: string } };
}

const tool = {
  name: "shout",
  description: "Says it louder",
  inputSchema: { type: "object", properties: { text: { type: "string" } } },
  annotations: { readOnlyHint: true },
};

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  if (message.id === undefined) continue;
  console.log(JSON.stringify({ jsonrpc: "2.0", id: message.id, result: answer(message) }));
}

function answer({ method, params }: Message): object {
  if (method === "initialize") {
    const serverInfo = { name: "shouting", version: "1.0.0" };
    const { protocolVersion } = params ?? {};
    return { protocolVersion, capabilities: { tools: {} }, serverInfo };
  }
  if (method === "tools/list") return { tools: [tool] };
  if (method === "tools/call") {
    return { content: [{ type: "text", text: params?.arguments?.text.toUpperCase() }] };
  }
  return {};
}
