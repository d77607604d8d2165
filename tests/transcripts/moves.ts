import type { Params, RawStage } from "../support/raw-stage.js";

/** Starts a thread, runs one turn on it, waits for its end. */
export async function oneTurn(stage: RawStage, text: string, params: TurnParams = {}) {
  const threadId = await stage.startThread(params.thread);
  await stage.completed(await stage.startTurn(threadId, text, params.turn));
  return threadId;
}

export interface TurnParams {
  readonly thread?: Params;
  readonly turn?: Params;
}

/** Every command and every change asks. The server takes this policy on a thread only. */
export const askAlways = { thread: { approvalPolicy: "untrusted" } };

/** Answers the next approval of this kind. */
export async function decide(stage: RawStage, method: string, decision: string) {
  const { id } = await stage.seen(method);
  stage.client.respond(id ?? "", { decision });
}

export const isIdle = ({ status }: Params) => (status as { type: string }).type === "idle";

export const itemIs = (type: string) => (params: Params) =>
  (params.item as { type: string }).type === type;
