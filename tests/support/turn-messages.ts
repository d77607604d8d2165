/** The messages of the protocol that tests send again and again. */

import { newTurn } from "../../lib/testing/fake/records.js";

export type Params = Record<string, unknown>;
/** A message on its way to the client. */
export type Message = Params;

/** The part of an answer to `thread/start`, `resume` or `fork` that matters here. */
export function opened(id: string, status: Params = { type: "idle" }): Params {
  const thread = { id, status, turns: [] };
  return { thread, model: "mock-model", cwd: "/home/user/project", ...strictSettings };
}

/** What the server tells of each thread that it opens. Nothing is looser than these. */
export const strictSettings = { approvalPolicy: "untrusted", approvalsReviewer: "user" } as const;

/** A turn that has just been accepted, but for `fields`. */
export function turnRecord(id: string, fields: Params = {}): Params {
  return { ...newTurn(id), ...fields };
}

export interface TurnIds {
  readonly threadId: string;
  readonly turnId: string;
}

export interface TurnScript extends TurnIds {
  /** The whole answer, streamed word by word. */
  readonly text: string;
}

export function turnStarted({ threadId, turnId }: TurnIds): Message {
  const turn = turnRecord(turnId, { startedAt: 1_767_225_600 });
  return { method: "turn/started", params: { threadId, turn } };
}

export function turnCompleted({ threadId, turnId }: TurnIds, fields: Params = {}): Message {
  const end = { status: "completed", startedAt: 1_767_225_600, completedAt: 1_767_225_601 };
  const turn = turnRecord(turnId, { ...end, durationMs: 1_000, ...fields });
  return { method: "turn/completed", params: { threadId, turn } };
}

export function agentMessage(id: string, text: string, phase: string | null = null): Params {
  return { type: "agentMessage", id, text, phase };
}

/** The messages of an answer that is streamed word by word. */
export function textMessages({ threadId, turnId, text }: TurnScript, itemId = "msg-1"): Message[] {
  const deltas = (text.match(/\S+\s*/g) ?? []).map((delta) => ({
    method: "item/agentMessage/delta",
    params: { threadId, turnId, itemId, delta },
  }));
  const item = (value: string) => ({ threadId, turnId, item: agentMessage(itemId, value) });
  return [
    { method: "item/started", params: item("") },
    ...deltas,
    { method: "item/completed", params: item(text) },
  ];
}

export function turnMessages(options: TurnScript): Message[] {
  return [turnStarted(options), ...textMessages(options), turnCompleted(options)];
}
