import { jsonSchema, tool, type ModelMessage } from "ai";
import { createCodex, type CodexProvider, type CodexProviderOptions } from "../../lib/ai/index.js";
import type { JsonObject } from "../../lib/testing/json.js";

/** A provider for the version of `ai` that these tests run with: 6, or with `npm run test:ai` 7. */
export function codexFor(options: Omit<CodexProviderOptions, "specificationVersion">) {
  const version = process.env["AI_VERSION"] === "7" ? "v4" : "v3";
  return createCodex({ ...options, specificationVersion: version }) as CodexProvider<"v3">;
}

/** A tool of two numbers. */
export function addTool(
  execute: (numbers: { a: number; b: number }) => unknown = ({ a, b }) => a + b,
  needsApproval = false,
) {
  const number = { type: "number" } as const;
  return tool({
    description: "Adds two numbers",
    inputSchema: jsonSchema<{ a: number; b: number }>({
      type: "object",
      properties: { a: number, b: number },
      required: ["a", "b"],
      additionalProperties: false,
    }),
    execute,
    needsApproval,
  });
}

/** What of a request's input is a message or a result of a tool, without what Codex adds itself. */
export function saidIn(input: readonly JsonObject[]): string[] {
  return input.flatMap((item) => {
    if (item.type === "function_call") return [`call ${item.name as string}`];
    if (item.type === "function_call_output") return [`output ${JSON.stringify(item.output)}`];
    const content = (item.content ?? []) as { readonly type: string; readonly text?: string }[];
    return content
      .filter(({ text }) => text === undefined || !/^<|^You are a/.test(text))
      .map(({ type, text }) => `${item.role as string} ${text ?? type}`);
  });
}

export function user(text: string): ModelMessage {
  return { role: "user", content: text };
}
