// An MCP server over JSON lines with two tools: `ask` asks the user and tells the answer, and `act`
// is not marked as harmless, so that calling it needs an approval; it then makes the file it is told.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly protocolVersion?: string;
    readonly name?: string;
    readonly arguments?: { readonly file?: string };
  };
  readonly result?: { readonly action?: string };
}

const inputSchema = { type: "object", properties: { file: { type: "string" } } };
const tools = [
  { name: "ask", description: "Asks", inputSchema, annotations: { readOnlyHint: true } },
  {
    name: "act",
    description: "Acts",
    inputSchema,
    annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
  },
];
const question = {
  message: "How many?",
  requestedSchema: { type: "object", properties: { count: { type: "number" } } },
};
const calls = new Map<string, number | string>();

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params, result } = JSON.parse(line) as Message;
  if (id === undefined) continue;
  if (method === undefined) {
    const text = `The user chose to ${result?.action ?? "say nothing"}.`;
    send({ id: calls.get(String(id)), result: { content: [{ type: "text", text }] } });
  } else if (method === "tools/call" && params?.name === "ask") {
    calls.set(`question-${id}`, id);
    send({ id: `question-${id}`, method: "elicitation/create", params: question });
  } else {
    send({ id, result: answer(method, params) });
  }
}

function answer(method: string, params: Message["params"]): object {
  if (method === "initialize") {
    const { protocolVersion } = params ?? {};
    const serverInfo = { name: "asking", version: "1.0.0" };
    return { protocolVersion, capabilities: { tools: {} }, serverInfo };
  }
  if (method === "tools/list") return { tools };
  if (method !== "tools/call") return {};
  writeFileSync(params?.arguments?.file ?? "", "");
  return { content: [{ type: "text", text: "Acted." }] };
}

function send(message: object): void {
  console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
}
