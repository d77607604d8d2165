// An app-server that does no work of its own, so that only the client is measured. A turn is a flood
// of `deltas` notifications; the answer to `thread/read` is one line of about `answerBytes` bytes.
//
//   node scripted-server.mjs <deltas> <answerBytes>

import { once } from "node:events";
import { deltaLines, itemId, threadId, turnId } from "./flood.mjs";

const [deltas, answerBytes] = process.argv.slice(2).map(Number);
const blockLines = 1_000;
// Everything is made before the first request is answered: writing is all that is left to do.
const block = Buffer.from(deltaLines(blockLines).join(""));
const rest = Buffer.from(deltaLines(deltas % blockLines).join(""));

const turn = { id: turnId, items: [], status: "inProgress", error: null };
const thread = { id: threadId, status: { type: "idle" } };
const text = "  const total = prices.reduce((sum, price) => sum + price, 0);\n";
const results = {
  initialize: { userAgent: "scripted/0.169.0 (none)", codexHome: "", platformFamily: "unix" },
  "thread/start": { thread },
  "thread/read": { thread: { ...thread, preview: text.repeat(answerBytes / (text.length + 1)) } },
  "turn/start": { turn },
};
const answers = Object.fromEntries(
  Object.entries(results).map(([method, result]) => [method, JSON.stringify(result)]),
);

let threads = 0;
/** The first thread is the one of the flood; every other one has an id of its own. */
function answerTo(method) {
  if (method !== "thread/start") return answers[method] ?? "{}";
  const number = String(threads++).padStart(12, "0");
  return threads === 1 ? answers[method] : answers[method].replace(threadId.slice(-12), number);
}

let partial = "";
process.stdin.setEncoding("utf8").on("data", (chunk) => {
  const lines = (partial + chunk).split("\n");
  partial = lines.pop();
  let output = "";
  for (const line of lines) {
    const { id, method } = JSON.parse(line);
    if (id !== undefined) output += `{"id":${id},"result":${answerTo(method)}}\n`;
    if (method === "turn/start") setImmediate(runTurn);
  }
  process.stdout.write(output);
});
process.stdin.on("end", () => process.exit());

async function runTurn() {
  const item = { type: "agentMessage", id: itemId, text: "", phase: null };
  await notify("turn/started", { turn });
  await notify("item/started", { turnId, item });
  for (let sent = 0; sent + blockLines <= deltas; sent += blockLines) await write(block);
  if (rest.length > 0) await write(rest);
  await notify("item/completed", { turnId, item });
  await notify("turn/completed", { turn: { ...turn, status: "completed" } });
}

function notify(method, params) {
  const message = { method, params: { threadId, ...params }, emittedAtMs: Date.now() };
  return write(`${JSON.stringify(message)}\n`);
}

async function write(data) {
  if (!process.stdout.write(data)) await once(process.stdout, "drain");
}
