import type { ModelCallOptions, ModelWarning } from "./model-types.js";

/** Settings that the server has no place for. */
const unsupported = [
  "maxOutputTokens",
  "temperature",
  "topP",
  "topK",
  "presencePenalty",
  "frequencyPenalty",
  "stopSequences",
  "seed",
] as const satisfies readonly (keyof ModelCallOptions)[];

/** What of a call Codex cannot do, and goes on without. */
export function callWarnings(options: ModelCallOptions): ModelWarning[] {
  const { toolChoice, responseFormat, tools = [] } = options;
  const warnings: ModelWarning[] = unsupported
    .filter((name) => options[name] !== undefined)
    .map((feature) => ({
      type: "unsupported",
      feature,
      details: "app-server has no such setting.",
    }));
  if (toolChoice?.type === "required" || toolChoice?.type === "tool") {
    const details = "The model decides itself whether it calls a tool.";
    warnings.push({ type: "unsupported", feature: "toolChoice", details });
  }
  if (responseFormat?.type === "json" && responseFormat.schema === undefined) {
    const details =
      "Without a schema the model is not told to answer in JSON: say so in the prompt.";
    warnings.push({ type: "unsupported", feature: "responseFormat", details });
  }
  for (const tool of tools) {
    if (tool.type === "function") continue;
    const details = "Tools of other providers are left out.";
    warnings.push({ type: "unsupported", feature: `tool ${tool.name}`, details });
  }
  return warnings;
}
