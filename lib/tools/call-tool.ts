import type { DynamicToolCallParams, DynamicToolCallResponse } from "../../generated/types.js";
import { toolTracing } from "../diagnostics/channels.js";
import { TracedTool } from "../diagnostics/tool-operation.js";
import { formatPath } from "../schema/json-schema.js";
import { isToolInputError } from "./tool-errors.js";
import { toContentItems } from "./tool-content.js";
import type { Tool } from "./tool.js";

interface CallSeams {
  readonly signal: AbortSignal;
  /** Gets what the tool throws; arguments that do not fit are the model's mistake, and no failure of it. */
  readonly failed?: ((error: unknown) => void) | undefined;
}

/**
 * Carries out one `item/tool/call`. Never rejects: what goes wrong becomes a failed call, with a
 * short text from which the model can learn. Whether anybody still waits for the answer is the
 * caller's concern.
 */
export function callTool(
  tool: Tool,
  params: DynamicToolCallParams,
  seams: CallSeams,
): Promise<DynamicToolCallResponse> {
  return toolTracing.isOn ? callTraced(tool, params, seams) : call(tool, params, seams);
}

/** The same, shown on its tracing channel: the tool runs in the context that subscribers give it. */
async function callTraced(
  tool: Tool,
  params: DynamicToolCallParams,
  { signal, failed }: CallSeams,
): Promise<DynamicToolCallResponse> {
  const operation = new TracedTool({ ...params, tool: tool.name });
  let failure: { readonly error: unknown } | undefined;
  const seams = { signal, failed, caught: (error: unknown) => (failure = { error }) };
  const response = await toolTracing.begin(operation, () => call(tool, params, seams));
  operation.answered(response.success, response.contentItems);
  toolTracing.ended(operation, failure);
  return response;
}

async function call(
  tool: Tool,
  params: DynamicToolCallParams,
  { signal, failed, caught }: CallSeams & { readonly caught?: (error: unknown) => void },
): Promise<DynamicToolCallResponse> {
  const { threadId, turnId, callId } = params;
  try {
    const output = await tool.execute(params.arguments, { signal, threadId, turnId, callId });
    return { contentItems: toContentItems(output), success: true };
  } catch (error) {
    caught?.(error);
    if (!isToolInputError(error)) failed?.(error);
    return toolFailure(error);
  }
}

/** How much of an error the model gets to see (characters). */
const maxCharacters = 1_000;

/**
 * A failed call. The model sees nothing but the text, `success` is for the item only, so the text
 * says that it is a failure.
 */
export function toolFailure(error: unknown): DynamicToolCallResponse {
  return { contentItems: [{ type: "inputText", text: explain(error) }], success: false };
}

function explain(error: unknown): string {
  if (isToolInputError(error)) {
    const issues = error.issues.map(({ path, message }) =>
      path.length === 0 ? `- ${message}` : `- ${formatPath(path)}: ${message}`,
    );
    return shorten(`The arguments do not fit the tool's input:\n${issues.join("\n")}`);
  }
  const message = messageOf(error);
  return message === "" ? "The tool failed." : shorten(`The tool failed: ${message}`);
}

function messageOf(error: unknown): string {
  if (typeof error === "string") return error;
  if (typeof error !== "object" || error === null) return "";
  const message: unknown = Reflect.get(error, "message");
  return typeof message === "string" ? message : "";
}

function shorten(text: string): string {
  return text.length <= maxCharacters ? text : `${text.slice(0, maxCharacters)}…`;
}
