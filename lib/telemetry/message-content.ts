import type { ItemOperation, TurnContent } from "../index.js";

/** A message as the conventions write it. */
interface Message {
  readonly role: "user" | "assistant";
  readonly parts: readonly { readonly type: string; readonly content?: unknown }[];
  readonly finish_reason?: string;
}

/** The input of a turn as `gen_ai.input.messages`; undefined when it was not begun from here. */
export function inputMessages({ input }: TurnContent): string | undefined {
  if (!input) return undefined;
  const parts = input.map((item) =>
    // Of images and sounds only that they were there: their bytes do not belong into a span.
    item.type === "text" ? { type: "text", content: item.text } : { type: item.type },
  );
  const messages: Message[] = [{ role: "user", parts }];
  return JSON.stringify(messages);
}

/** The answer of a turn as `gen_ai.output.messages`; undefined when there is none. */
export function outputMessages({ finalResponse }: TurnContent, reason: string): string | undefined {
  if (finalResponse === null) return undefined;
  const parts = [{ type: "text", content: finalResponse }];
  const messages: Message[] = [{ role: "assistant", parts, finish_reason: reason }];
  return JSON.stringify(messages);
}

/** What a tool was called with, as JSON; undefined where the item does not say. */
export function toolArguments({ content: item }: ItemOperation): string | undefined {
  switch (item.type) {
    case "commandExecution":
      return JSON.stringify({ command: item.command, cwd: item.cwd });
    case "fileChange":
      return JSON.stringify({ changes: item.changes });
    case "mcpToolCall":
    case "dynamicToolCall":
      return withoutMedia(item.arguments);
    case "collabAgentToolCall":
      return JSON.stringify({ prompt: item.prompt, receiverThreadIds: item.receiverThreadIds });
    case "webSearch":
      return JSON.stringify({ query: item.query });
    default:
      return undefined;
  }
}

/** What it gave, as JSON or as it is when it is text. */
export function toolResult({ content: item }: ItemOperation): string | undefined {
  switch (item.type) {
    case "commandExecution":
      return item.aggregatedOutput ?? undefined;
    case "mcpToolCall":
      return item.result === null ? undefined : withoutMedia(item.result);
    case "dynamicToolCall":
      return item.contentItems === null ? undefined : withoutMedia(item.contentItems);
    default:
      return undefined;
  }
}

/** As JSON, with of images, sounds and other files only that they were there: their bytes do not belong into a span. */
export function withoutMedia(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "string") return /^data:[^,;]*(?=[,;])/i.exec(part)?.[0] ?? part;
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const { data, blob, ...rest } = part as Readonly<Record<string, unknown>>;
    // As MCP has them: `data` of an image or a sound, `blob` of a resource, beside the type of their bytes.
    const isMedia = "mimeType" in rest && (typeof data === "string" || typeof blob === "string");
    return isMedia ? rest : part;
  });
}
