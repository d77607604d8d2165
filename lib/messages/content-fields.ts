import type { ClientRequests, ServerRequests } from "../../generated/methods.js";

const input = ["input.*.text", "input.*.text_elements.*.placeholder"];

const instructions = [
  "baseInstructions",
  "developerInstructions",
  "config.instructions",
  "config.developer_instructions",
  "config.compact_prompt",
];

const turnSettings = ["collaborationMode.settings.developer_instructions", "multiAgentMode.custom"];

/**
 * The keywords that explain a schema. Its other parts are names, and values that an answer is compared
 * with.
 */
const schemaTexts = (path: string): string[] => [`${path}.**.description`, `${path}.**.title`];

const review = ["decision.denied.rejection"];

/**
 * The fields whose text is content, which people and models read, by the method of a request; of the
 * server's requests they are those of the answer. All other text is names, paths, keys and values that
 * something is compared with: to change it would mean something else. `*` stands for any one name or
 * index, `**` for any number of them, also none.
 */
export const contentFields: {
  readonly [Method in keyof ClientRequests | keyof ServerRequests]?: readonly string[];
} = {
  "thread/start": [
    ...instructions,
    "multiAgentMode.custom",
    "dynamicTools.*.description",
    ...schemaTexts("dynamicTools.*.inputSchema"),
    "dynamicTools.*.tools.*.description",
    ...schemaTexts("dynamicTools.*.tools.*.inputSchema"),
  ],
  "thread/resume": [...instructions, "history.**"],
  "thread/fork": instructions,
  "thread/settings/update": turnSettings,
  "thread/inject_items": ["items.**"],
  "thread/goal/set": ["objective"],
  "thread/prepareApprovedPlan": ["markdown"],
  "thread/queue/add": input,
  "thread/queue/update": input,
  "thread/realtime/appendSpeech": ["text"],
  "thread/realtime/appendText": ["text"],
  "thread/realtime/start": [
    "initialItems.*.text",
    "prompt",
    "realtimeEndInstructions",
    "realtimeStartInstructions",
  ],
  "thread/sample": ["prompt"],
  "turn/start": [
    ...input,
    ...turnSettings,
    "additionalContext.*.value",
    "toolOutput.output",
    "toolOutput.output.*.text",
    ...schemaTexts("outputSchema"),
  ],
  "turn/steer": [...input, "additionalContext.*.value"],
  "review/start": ["target.instructions", "target.title"],
  "feedback/save": ["reason"],
  "feedback/upload": ["reason"],
  "item/tool/call": ["contentItems.*.text"],
  "item/tool/requestUserInput": ["answers.*.answers.*"],
  "mcpServer/elicitation/request": ["content.**"],
  execCommandApproval: review,
  applyPatchApproval: review,
};

/** Whether the text at this place, in the params or in the answer of `method`, is content. */
export function isContent(method: string, path: readonly string[]): boolean {
  if (!Object.hasOwn(contentFields, method)) return false;
  const fields = contentFields[method as keyof typeof contentFields] ?? [];
  return fields.some((field) => fits(field.split("."), path));
}

function fits([part, ...rest]: readonly string[], path: readonly string[]): boolean {
  if (part === undefined) return path.length === 0;
  if (part === "**" && fits(rest, path)) return true;
  if (path.length === 0) return false;
  if (part === "**") return fits([part, ...rest], path.slice(1));
  return (part === "*" || part === path[0]) && fits(rest, path.slice(1));
}
