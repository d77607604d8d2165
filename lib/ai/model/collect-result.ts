import type { ModelContent, ModelResult, ModelStreamPart, ModelText } from "./model-types.js";

/**
 * The parts of a step as one result. Texts that the model has taken back are left out.
 *
 * @throws what the step has failed with.
 */
export async function collectResult(parts: ReadableStream<ModelStreamPart>): Promise<ModelResult> {
  const content: ModelContent[] = [];
  const texts = new Map<string, ModelText>();
  const result: Partial<ModelResult> = { content };
  for await (const part of parts) {
    switch (part.type) {
      case "stream-start":
        result.warnings = part.warnings;
        break;
      case "response-metadata": {
        result.response = withoutType(part);
        break;
      }
      case "text-start":
      case "reasoning-start": {
        const type = part.type === "text-start" ? "text" : "reasoning";
        const text: ModelText = { type, text: "" };
        if (part.providerMetadata) text.providerMetadata = part.providerMetadata;
        texts.set(part.id, text);
        content.push(text);
        break;
      }
      case "text-delta":
      case "reasoning-delta": {
        const text = texts.get(part.id);
        if (text) text.text += part.delta;
        break;
      }
      case "text-end":
      case "reasoning-end": {
        const text = texts.get(part.id);
        const isVoid = part.providerMetadata?.codex["reset"] === true || text?.text === "";
        if (text && isVoid) content.splice(content.indexOf(text), 1);
        break;
      }
      case "tool-call":
      case "tool-result":
        content.push(part);
        break;
      case "error":
        throw part.error;
      default: {
        Object.assign(result, withoutType(part));
      }
    }
  }
  return result as ModelResult;
}

function withoutType<Part extends { readonly type: string }>(part: Part): Omit<Part, "type"> {
  const rest: Omit<Part, "type"> & { type?: unknown } = { ...part };
  delete rest.type;
  return rest;
}
