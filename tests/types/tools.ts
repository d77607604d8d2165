/** Compile-time checks of client-side tools; nothing here runs. */
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import { defineTool, type Codex, type Tool, type ToolContext } from "../../lib/index.js";

const name = "weather";
const description = "The weather of a city";
const input = { type: "object" };

export const byZod: Tool = defineTool({
  name,
  description,
  input: z.object({ city: z.string(), days: z.string().transform(Number).default(3) }),
  execute: (args, context) => {
    args satisfies { city: string; days: number };
    context satisfies ToolContext;
    context.signal satisfies AbortSignal;
    // @ts-expect-error -- the schema has no such argument
    args.country satisfies string;
    return `${args.city} ${context.callId}`;
  },
});

export const byArkType: Tool = defineTool({
  name,
  description,
  input: type({ city: "string", "days?": "number" }),
  execute: async ({ city, days }, { signal }) => {
    city satisfies string;
    days satisfies number | undefined;
    const response = await fetch("https://example.com", { signal });
    return response.text();
  },
});

export const byValibot: Tool = defineTool({
  name,
  description,
  input: toStandardJsonSchema(v.object({ city: v.string() })),
  execute: ({ city }) => [
    { type: "text", text: city.toUpperCase() },
    { type: "image", data: new Uint8Array(), mediaType: "image/png" },
  ],
});

export const byJsonSchema: Tool = defineTool({
  name,
  description,
  input: { type: "object", properties: { city: { type: "string" } } },
  execute: (args) => {
    args satisfies unknown;
    // @ts-expect-error -- plain JSON Schema has no type
    args.city satisfies string;
  },
});

// Of plain JSON Schema, the caller states the type.
export const stated: Tool = defineTool({
  name,
  description,
  input: { type: "object", properties: { city: { type: "string" } } },
  execute: ({ city }: { city: string }) => ({ city }),
});

export const returning: Tool[] = [
  defineTool({ name, description, input, execute: () => "text" }),
  defineTool({ name, description, input, execute: () => ({ any: ["object"] }) }),
  defineTool({ name, description, input, execute: () => 21 }),
  defineTool({ name, description, input, execute: () => null }),
  defineTool({ name, description, input, execute: () => undefined }),
  defineTool({ name, description, input, execute: () => Promise.resolve(true) }),
  defineTool({ name, description, input, execute: () => void 0 }),
  // @ts-expect-error -- JSON has no such number
  defineTool({ name, description, input, execute: () => 21n }),
];

export const wrong: Tool[] = [
  // @ts-expect-error -- this schema cannot write itself as JSON Schema
  defineTool({ name, description, input: v.object({}), execute: () => "" }),
  // @ts-expect-error -- a tool needs a description
  defineTool({ name, input, execute: () => "" }),
  defineTool({
    name,
    description,
    // @ts-expect-error -- the function says otherwise
    input: z.object({ city: z.string() }),
    execute: ({ city }: { city: number }) => city,
  }),
];

export async function giving(codex: Codex): Promise<void> {
  const tools = [byZod, byArkType] as const;
  const thread = await codex.startThread({ tools, model: "gpt-x", onApproval: "decline" });
  await codex.resumeThread(thread.id, { tools });
  await codex.forkThread(thread.id, { tools: [byValibot] });
  await thread.fork({ tools: undefined });
  codex.thread(thread.id, { tools, onApproval: "accept" });
  // @ts-expect-error -- a definition is not yet a tool
  await codex.startThread({ tools: [{ name, description }] });
  // @ts-expect-error -- tools belong to threads
  thread.turn("Hi", { tools });
}
