/**
 * An app-server that does no work of its own, so that only the client is measured. A turn is a flood
 * of `deltas` notifications; the answer to `thread/read` is one line of about `answerBytes` bytes.
 *
 *   scripted-server.ts <deltas> <answerBytes>
 *
 * What is long is made before the first request is answered: writing is all that is left to do.
 */
import { MessageServer, noAnswer } from "../lib/testing/server/message-server.js";
import { serveStdio } from "../lib/testing/server/serve-stdio.js";
import { toLine } from "../lib/testing/server/message.js";
import { deltaLines, itemId, threadId, turnId } from "./flood.js";

const [deltas = 0, answerBytes = 0] = process.argv.slice(2).map(Number);
const blockLines = 1_000;
const block = Buffer.from(deltaLines(blockLines).join(""));
const rest = Buffer.from(deltaLines(deltas % blockLines).join(""));

const turn = { id: turnId, items: [], status: "inProgress", error: null };
const thread = { id: threadId, status: { type: "idle" } };
const text = "  const total = prices.reduce((sum, price) => sum + price, 0);\n";
const longAnswer = JSON.stringify({
  thread: { ...thread, preview: text.repeat(answerBytes / (text.length + 1)) },
});

let threads = 0;
const server = new MessageServer();
server.on("initialize", () => ({
  userAgent: "scripted/0.169.0 (none)",
  codexHome: "",
  platformFamily: "unix",
}));
// The first thread is the one of the flood; every other one has an id of its own.
server.on("thread/start", () => {
  const number = String(threads++).padStart(12, "0");
  const id = threads === 1 ? threadId : threadId.slice(0, -12) + number;
  return { thread: { ...thread, id } };
});
server.on("turn/start", () => {
  setImmediate(() => void runTurn());
  return { turn };
});
server.on("thread/read", (_, { id }, connection) => {
  void connection.write(`{"id":${String(id)},"result":${longAnswer}}\n`);
  return noAnswer;
});
server.on("*", () => ({}));
const client = serveStdio(server);

async function runTurn(): Promise<void> {
  const item = { type: "agentMessage", id: itemId, text: "", phase: null };
  await notify("turn/started", { turn });
  await notify("item/started", { turnId, item });
  for (let sent = 0; sent + blockLines <= deltas; sent += blockLines) await client.write(block);
  if (rest.length > 0) await client.write(rest);
  await notify("item/completed", { turnId, item });
  await notify("turn/completed", { turn: { ...turn, status: "completed" } });
}

async function notify(method: string, params: object): Promise<void> {
  const emittedAtMs = Date.now();
  await client.write(toLine({ method, params: { threadId, ...params }, emittedAtMs }));
}
