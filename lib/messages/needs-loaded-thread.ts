/** Whether the server carries out a request only for a thread that it has loaded, or tells of it only then. */
export function needsLoadedThread(method: string): boolean {
  return needing.has(method);
}

const needing = new Set([
  "mcpServer/resource/read",
  "mcpServer/tool/call",
  "review/start",
  "thread/backgroundTerminals/clean",
  "thread/backgroundTerminals/list",
  "thread/backgroundTerminals/terminate",
  "thread/compact/start",
  "thread/goal/set",
  "thread/inject_items",
  "thread/queue/add",
  "thread/queue/start",
  "thread/realtime/start",
  "thread/revert",
  "thread/settings/update",
  "thread/shellCommand",
  "turn/start",
  "turn/steer",
]);
