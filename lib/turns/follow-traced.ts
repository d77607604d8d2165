import type { TurnExecution } from "./turn-execution.js";
import type { TurnRequest } from "./turn-request.js";
import { contentOf, isTurnTraced, TurnTrace } from "./turn-trace.js";

/**
 * Has `follow` make the execution of a turn, in the context that the subscribers of its tracing channel give it;
 * without a trace while nobody subscribes.
 */
export function followTraced(
  request: TurnRequest,
  follow: (trace: TurnTrace | undefined) => TurnExecution,
): TurnExecution {
  if (!isTurnTraced()) return follow(undefined);
  const { threadId, start, input, model } = request;
  let turn: TurnExecution | undefined;
  const found = "session" in start ? start : undefined;
  const others = found?.session.turns.followersOf(threadId, found.id) ?? [];
  const trace = new TurnTrace({
    ...{ threadId, model },
    method: "send" in start ? start.method : undefined,
    joined: others.length > 0,
    content: () => contentOf(input, turn?.state),
  });
  return trace.begin(() => (turn = follow(trace)));
}
