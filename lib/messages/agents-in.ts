/** The agents' threads that an item names, and whether that makes its thread their parent. */
export function agentsIn(item: unknown): { agents: readonly string[]; isParent: boolean } {
  const none = { agents: [], isParent: false };
  if (typeof item !== "object" || item === null) return none;
  const { type, tool, kind, receiverThreadIds, agentThreadId } = item as Record<string, unknown>;
  if (type === "subAgentActivity") {
    return typeof agentThreadId === "string"
      ? { agents: [agentThreadId], isParent: kind === "started" }
      : none;
  }
  if (type !== "collabAgentToolCall" || !Array.isArray(receiverThreadIds)) return none;
  return {
    agents: receiverThreadIds.filter((id) => typeof id === "string"),
    isParent: tool === "spawnAgent" || tool === "resumeAgent",
  };
}
