/**
 * The names of OpenTelemetry's conventions for generative AI, in the release that they are taken from. They are still
 * in development there, so another release may change them: then this file changes, and nothing else.
 */
export const semanticConventionsVersion = "semantic-conventions-genai 0.1.0";

export const spans = {
  invokeAgent: "invoke_agent",
  executeTool: "execute_tool",
} as const;

export const attributes = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  agentName: "gen_ai.agent.name",
  conversationId: "gen_ai.conversation.id",
  requestModel: "gen_ai.request.model",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cachedInputTokens: "gen_ai.usage.cache_read.input_tokens",
  reasoningOutputTokens: "gen_ai.usage.reasoning.output_tokens",
  inputMessages: "gen_ai.input.messages",
  outputMessages: "gen_ai.output.messages",
  toolName: "gen_ai.tool.name",
  toolType: "gen_ai.tool.type",
  toolCallId: "gen_ai.tool.call.id",
  toolArguments: "gen_ai.tool.call.arguments",
  toolResult: "gen_ai.tool.call.result",
  tokenType: "gen_ai.token.type",
  errorType: "error.type",
  exitCode: "process.exit.code",
  rpcSystem: "rpc.system.name",
  rpcMethod: "rpc.method",
  rpcStatus: "rpc.response.status_code",
  jsonRpcId: "jsonrpc.request.id",
  jsonRpcVersion: "jsonrpc.protocol.version",
} as const;

export const metrics = {
  operationDuration: "gen_ai.client.operation.duration",
  invokeAgentDuration: "gen_ai.invoke_agent.duration",
  invokeAgentToolCalls: "gen_ai.invoke_agent.tool_calls",
  executeToolDuration: "gen_ai.execute_tool.duration",
  /** Of the conventions before 0.1.0, which dashboards still read. */
  tokenUsage: "gen_ai.client.token.usage",
  inputTokens: "gen_ai.client.inference.usage.input_tokens",
  outputTokens: "gen_ai.client.inference.usage.output_tokens",
  cachedInputTokens: "gen_ai.client.inference.usage.cache_read.input_tokens",
  reasoningOutputTokens: "gen_ai.client.inference.usage.reasoning.output_tokens",
} as const;

/** What the conventions have no name for. */
export const own = {
  turnId: "codex.turn.id",
  turnStatus: "codex.turn.status",
  turnMethod: "codex.turn.method",
  turnJoined: "codex.turn.joined",
  depth: "codex.agent.depth",
  itemType: "codex.item.type",
  itemStatus: "codex.item.status",
  mcpServer: "codex.mcp.server",
  serverVersion: "codex.server.version",
  startVia: "codex.start.via",
  /** The span was ended before its operation: by `dispose()`, or since too many were open. */
  cutShort: "codex.cut_short",
  startSpan: "codex.start",
  approvalRequested: "codex.approval.requested",
  approvalAnswered: "codex.approval.answered",
  approvalKind: "codex.approval.kind",
  approvalKey: "codex.approval.key",
  approvalOutcome: "codex.approval.outcome",
  approvalDecision: "codex.approval.decision",
  approvalWait: "codex.approval.wait_duration",
  activeTurns: "codex.turn.active",
  approvalDuration: "codex.approval.duration",
} as const;

/** Bucket boundaries that the conventions ask for. */
export const buckets = {
  /** Seconds. */
  operation: [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
  ],
  /** Seconds. */
  agent: [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6],
  toolCalls: [1, 2, 4, 8, 16, 32, 64, 128],
  tokens: [
    ...[1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536],
    ...[262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
  ],
  /** Seconds: people decide in between. */
  approval: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400],
} as const;
