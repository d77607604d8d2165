import type { DynamicToolCallParams, DynamicToolCallResponse } from "../../generated/types.js";
import { ToolInputError } from "./tool-errors.js";
import { toContentItems } from "./tool-content.js";
import { toolFailure } from "./tool-failure.js";
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
export async function callTool(
  tool: Tool,
  params: DynamicToolCallParams,
  { signal, failed }: CallSeams,
): Promise<DynamicToolCallResponse> {
  const { threadId, turnId, callId } = params;
  try {
    const output = await tool.execute(params.arguments, { signal, threadId, turnId, callId });
    return { contentItems: toContentItems(output), success: true };
  } catch (error) {
    if (!(error instanceof ToolInputError)) failed?.(error);
    return toolFailure(error);
  }
}
