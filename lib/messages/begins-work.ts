import { setsActiveGoal } from "./goal-status.js";

/**
 * Whether a request begins, or may begin, something that runs on its own: a turn, a goal, or the use of a
 * thread, since the server goes on with what is queued on a thread, and with its goal, when it loads it.
 */
export function beginsWork(method: string, params: unknown): boolean {
  if (method === "thread/goal/set") return setsActiveGoal(params);
  return begins.has(method);
}

const begins = new Set([
  "thread/start",
  "thread/resume",
  "thread/fork",
  "thread/compact/start",
  "thread/shellCommand",
  "thread/queue/add",
  "thread/queue/start",
  "thread/realtime/start",
  "turn/start",
  "review/start",
]);
