import type { Json, JsonObject, Step } from "../support/scripted-server.js";
import { ofTurn, turnRecord } from "../support/scripted-server-messages.js";

/** What a server sends about a turn, where it differs from `scripted-server-messages.ts`. */

export const completedTurn = turnRecord("turn-{{count}}", {
  status: "completed",
  completedAt: 1_767_225_601,
});

export function failedTurn(codexErrorInfo: Json, message = "it failed"): JsonObject {
  return turnRecord("turn-{{count}}", {
    status: "failed",
    completedAt: 1_767_225_601,
    error: { message, codexErrorInfo, additionalDetails: null, misalignment: null },
  });
}

/** `turn/completed` with this turn; of the scenario's thread when no other is named. */
export function ends(turn: Json, threadId: Json = "{{params.threadId}}"): Step {
  return { notify: "turn/completed", params: { threadId, turn } };
}

export function status(type: string): Step {
  const params = { threadId: "{{params.threadId}}", status: { type } };
  return { notify: "thread/status/changed", params };
}

/** The server's `error` notification. */
export function trouble(codexErrorInfo: Json, willRetry: boolean): Step {
  const error = {
    message: "no answer",
    codexErrorInfo,
    additionalDetails: null,
    misalignment: null,
  };
  return { notify: "error", params: { ...ofTurn, error, willRetry } };
}

/** A message of a turn of any thread. */
export function messageOf(threadId: string, turnId: string, text: string): Step[] {
  const item = { type: "agentMessage", id: `${turnId}-message`, text, phase: "final_answer" };
  return [
    { notify: "item/started", params: { threadId, turnId, item: { ...item, text: "" } } },
    {
      notify: "item/agentMessage/delta",
      params: { threadId, turnId, itemId: item.id, delta: text },
    },
    { notify: "item/completed", params: { threadId, turnId, item } },
  ];
}

/** An approval of a command in the running turn. */
export function askApproval(id: string | number): Step {
  const params = { ...ofTurn, itemId: "command", kind: "command", command: "rm -rf /", cwd: "/" };
  return { ask: "item/commandExecution/requestApproval", id, params };
}

export function bytes(...parts: (string | readonly number[])[]): Step {
  const all = parts.map((part) =>
    typeof part === "string" ? Buffer.from(part) : Buffer.from(part),
  );
  return { bytes: Buffer.concat(all).toString("base64") };
}
