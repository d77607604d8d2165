// An MCP server over JSON lines with three tools: `ask` asks the user and tells the answer, `visit` does
// the same with a page to open, and `act` is not marked as harmless, so that calling it needs an approval;
// it then makes the file it is told.
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
  { name: "visit", description: "Shows a page", inputSchema, annotations: { readOnlyHint: true } },
  {
    name: "act",
    description: "Acts",
    inputSchema,
    annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
  },
];
const questions = new Map<string | undefined, object>([
  [
    "ask",
    {
      message: "How many?",
      requestedSchema: { type: "object", properties: { count: { type: "number" } } },
    },
  ],
  [
    "visit",
    {
      mode: "url",
      message: "Please sign in",
      url: "https://example.com/sign-in",
      elicitationId: "sign-in-1",
    },
  ],
]);
const calls = new Map<string, number | string>();

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params, result } = JSON.parse(line) as Message;
  if (id === undefined) continue;
  if (method === undefined) {
    const text = `The user chose to ${result?.action ?? "say nothing"}.`;
    send({ id: calls.get(String(id)), result: { content: [{ type: "text", text }] } });
    continue;
  }
  const question = questions.get(params?.name);
  if (method === "tools/call" && question) {
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
