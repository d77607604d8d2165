import type { DynamicToolCallParams, DynamicToolCallResponse } from "../../generated/types.js";
import { toContentItems } from "./tool-content.js";
import { toolFailure } from "./tool-failure.js";
import type { Tool } from "./tool.js";

/**
 * Carries out one `item/tool/call`. Never rejects: what goes wrong becomes a failed call, with a
 * short text from which the model can learn. Whether anybody still waits for the answer is the
 * caller's concern.
 */
export async function callTool(
  tool: Tool,
  params: DynamicToolCallParams,
  { signal }: { readonly signal: AbortSignal },
): Promise<DynamicToolCallResponse> {
  const { threadId, turnId, callId } = params;
  try {
    const output = await tool.execute(params.arguments, { signal, threadId, turnId, callId });
    return { contentItems: toContentItems(output), success: true };
  } catch (error) {
    return toolFailure(error);
  }
}
