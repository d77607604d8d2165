// An MCP server over JSON lines that does as it is told. Its tool `respond` notes each call in the
// file that CALLS_FILE names, and answers with an error when its arguments have a `code`, never when
// they have `hang`, and else with a structured result that is marked as an error of the tool. It has
// a resource, `memo://note`, in two pieces.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: {
    readonly protocolVersion?: string;
    readonly uri?: string;
    readonly arguments?: {
      readonly code?: number;
      readonly message?: string;
      readonly data?: unknown;
      readonly hang?: boolean;
    };
  };
}

const resource = { uri: "memo://note", name: "note" };

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  if (message.id === undefined || message.params?.arguments?.hang === true) continue;
  console.log(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer(message) }));
}

function answer({ method, params = {} }: Message): object {
  switch (method) {
    case "initialize": {
      const { protocolVersion } = params;
      const serverInfo = { name: "fickle", version: "1.0.0" };
      return {
        result: { protocolVersion, capabilities: { tools: {}, resources: {} }, serverInfo },
      };
    }
    case "tools/list": {
      const tool = { name: "respond", description: "Responds", inputSchema: { type: "object" } };
      return { result: { tools: [tool] } };
    }
    case "tools/call": {
      appendFileSync(process.env["CALLS_FILE"] ?? "/dev/null", "called\n");
      const { code, message = "No.", data } = params.arguments ?? {};
      if (code !== undefined) return { error: { code, message, data } };
      const content = [{ type: "text", text: "It did not work." }];
      return { result: { content, structuredContent: { count: 1 }, isError: true } };
    }
    case "resources/list":
      return { result: { resources: [resource] } };
    case "resources/templates/list":
      return { result: { resourceTemplates: [] } };
    case "resources/read": {
      const { uri } = params;
      if (uri !== resource.uri) {
        return { error: { code: -32_002, message: "Resource not found", data: { uri } } };
      }
      return {
        result: {
          contents: [
            { uri, text: "A note." },
            { uri, blob: "AAEC" },
          ],
        },
      };
    }
    default:
      return { result: {} };
  }
}
