// node paced-server.mjs <deltas> <pauseMs>
//
// An app-server whose turns say one delta every <pauseMs> milliseconds, as a model does; 0 is as fast as it is
// read. All turns run beside each other.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const [deltas = 0, pauseMs = 0] = process.argv.slice(2).map(Number);
const words = ["the", "build", "fails", "since", "one", "import", "names", "no", "file", "that is"];
let threads = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const thread = {
    id: `thread-${method === "thread/start" ? ++threads : 0}`,
    status: { type: "idle" },
  };
  const turn = { id: `turn-of-${params?.threadId}`, items: [], status: "inProgress", error: null };
  const results = {
    initialize: { userAgent: "scripted/0.169.0 (none)", codexHome: "", platformFamily: "unix" },
    "thread/start": { thread },
    "turn/start": { turn },
  };
  process.stdout.write(`${JSON.stringify({ id, result: results[method] ?? {} })}\n`);
  if (method === "turn/start") setImmediate(() => void run(params.threadId, turn));
}

async function run(threadId, turn) {
  const ids = { threadId, turnId: turn.id };
  const item = { type: "agentMessage", id: `item-of-${threadId}`, text: "", phase: null };
  await tell("turn/started", { threadId, turn });
  await tell("item/started", { ...ids, item });
  for (let count = 0; count < deltas; count += 1) {
    await tell("item/agentMessage/delta", {
      ...ids,
      itemId: item.id,
      delta: ` ${words[count % 10]}`,
    });
    if (pauseMs > 0) await pause(pauseMs);
  }
  await tell("item/completed", { ...ids, item });
  await tell("turn/completed", { threadId, turn: { ...turn, status: "completed" } });
}

function tell(method, params) {
  const message = { method, params, emittedAtMs: Date.now() };
  if (process.stdout.write(`${JSON.stringify(message)}\n`)) return undefined;
  return new Promise((resolve) => process.stdout.once("drain", resolve));
}
