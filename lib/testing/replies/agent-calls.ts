import type { JsonObject } from "../json.js";
import type { ReplyPart } from "./reply.js";
import { functionCall, type CallOptions } from "./tool-calls.js";

/** A question of `requestUserInput()`, with the answers to choose from. */
export interface UserQuestion extends JsonObject {
  readonly id: string;
  readonly header: string;
  readonly question: string;
  readonly options?: readonly { readonly label: string; readonly description: string }[];
}

/**
 * Asks the user. The server refuses it outside plan mode, unless the feature
 * `default_mode_request_user_input` is on.
 */
export function requestUserInput(
  questions: readonly UserQuestion[],
  options: CallOptions = {},
): ReplyPart {
  return functionCall("request_user_input", { questions }, options);
}

export interface PermissionsWanted {
  readonly reason?: string;
  /** Such as `{ network: { enabled: true } }`. */
  readonly permissions: JsonObject;
}

/**
 * Asks for more permissions. Needs the feature `request_permissions_tool`, the approval policy
 * `"on-request"` and a restricted sandbox.
 */
export function requestPermissions(
  wanted: PermissionsWanted,
  options: CallOptions = {},
): ReplyPart {
  const { reason, permissions } = wanted;
  return functionCall("request_permissions", { reason, permissions }, options);
}

export interface SpawnAgentOptions extends CallOptions {
  /** Role of the new agent. Default: `"default"`. */
  readonly agentType?: string;
}

/**
 * Starts a sub-agent: a thread of its own, whose requests come with `request.subagent` set. Its id
 * is `agent_id` in the output of this call.
 */
export function spawnAgent(message: string, options: SpawnAgentOptions = {}): ReplyPart {
  const args = { message, agent_type: options.agentType ?? "default" };
  return functionCall("spawn_agent", args, { ...options, namespace: "multi_agent_v1" });
}

export interface WaitAgentOptions extends CallOptions {
  /** Longest wait, in milliseconds. Default: 20,000. */
  readonly timeoutMs?: number;
}

/** Waits for sub-agents, by their ids. */
export function waitAgent(agentIds: readonly string[], options: WaitAgentOptions = {}): ReplyPart {
  const args = { targets: agentIds, timeout_ms: options.timeoutMs ?? 20_000 };
  return functionCall("wait_agent", args, { ...options, namespace: "multi_agent_v1" });
}

/** Reports on the thread's goal. `"complete"` ends it. */
export function updateGoal(status: string, options: CallOptions = {}): ReplyPart {
  return functionCall("update_goal", { status }, options);
}
