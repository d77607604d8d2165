/**
 * A server that means harm: `node hostile-server.mjs <attack> <count> [listen]`. It behaves until it is
 * asked for a turn; then it attacks, and, if there still is anybody, ends the turn as it should. With
 * `listen` it takes one connection of WebSocket, and prints its address.
 */
import { writeSync } from "node:fs";
import { WebSocketServer } from "ws";

const [attack, countText, listen] = process.argv.slice(2);
const count = Number(countText);
const ids = { threadId: "thread", turnId: "turn" };
let answered = 0;
const usage = { totalTokens: 1, inputTokens: 1, outputTokens: 1 };

/** What is sent `count` times, each time with another number. */
const floods = {
  "turns of ever new threads": (n) => started(`thread-${n}`, `turn-${n}`, `root-${n}`),
  "ever new turns": (n) => started("thread", `turn-${n}`, `root-${n}`),
  "ever new queues": (n) => notify("thread/queue/changed", { threadId: `thread-${n}` }),
  "ever new file changes": (n) =>
    notify("item/started", {
      threadId: "other",
      turnId: "other",
      item: { type: "fileChange", id: `item-${n}`, changes: [{ path: "p", diff: "d" }] },
    }),
  "ever new limits": (n) =>
    notify("account/rateLimits/updated", { rateLimits: { limitId: `limit-${n}` } }),
  "ever new sub-agents": (n) =>
    notify("item/started", {
      ...ids,
      item: {
        type: "collabAgentToolCall",
        id: "call",
        tool: "spawnAgent",
        receiverThreadIds: [`agent-${n}`],
        agentsStates: {},
      },
    }),
  "ever new methods": (n) => notify(`method/${n}`, { threadId: `thread-${n}`, turnId: "turn" }),
  "ever new statuses": (n) =>
    notify("thread/status/changed", { threadId: `thread-${n}`, status: { type: "active" } }),
  "usage that is no number": () =>
    notify("thread/tokenUsage/updated", {
      ...ids,
      tokenUsage: { total: { ...usage, totalTokens: "x" }, last: { ...usage, totalTokens: "y" } },
    }),
  "requests that stay open": (n) =>
    toLine({
      id: n,
      method: "item/commandExecution/requestApproval",
      params: { ...ids, itemId: `item-${n}`, command: "true" },
    }),
  "requests of unknown methods": (n) =>
    toLine({ id: `id-${n}`, method: `method-${n}`, params: {} }),
  "requests of ever new threads": (n) =>
    toLine({
      id: n,
      method: "item/tool/requestUserInput",
      params: { threadId: `thread-${n}`, turnId: "turn", itemId: "item", questions: [] },
    }),
  "answers to nothing": (n) => toLine({ id: n + 1_000_000, result: { n } }),
  "answers and events in turn": (n) =>
    toLine({ id: n + 1_000_000, result: {} }) + notify("account/updated", {}).repeat(3),
  "resolved requests": (n) => notify("serverRequest/resolved", { ...ids, requestId: n }),
  "warming up": () => notify("account/updated", {}),
  noise: (n) => `\u001b[31mnoise ${n}\n`,
};

const bodies = {
  // Written in no time, since all of it is the same.
  "answers and long events in turn": () => {
    const long = notify("account/updated", { long: "x".repeat(4_096) });
    return Array(count / 1_000).fill((toLine({ id: "nobody", result: {} }) + long).repeat(1_000));
  },
  "what is nested 100,000 levels deep": () => {
    const deep = `${'{"__proto__":['.repeat(100_000)}0${"]}".repeat(100_000)}`;
    const known = '"threadId":"thread","turnId":"turn"';
    return [
      deep,
      `{"method":"item/started","params":{${known},"item":{"type":"fileChange","id":"x","changes":[${deep}]}}}`,
      `{"method":"item/started","params":{"threadId":${deep},"turnId":${deep},"itemId":${deep}}}`,
      `{"method":"thread/tokenUsage/updated","params":{${known},"tokenUsage":${deep}}}`,
      `{"method":"account/rateLimits/updated","params":{"rateLimits":${deep}}}`,
      `{"id":"deep","method":"item/tool/call","params":{${known},"callId":"c","tool":"t","arguments":${deep}}}`,
      `{"id":"deeper","method":"item/permissions/requestApproval","params":{${known},"permissions":${deep}}}`,
      `{"id":${deep},"method":"item/tool/call","params":{}}`,
      `{"id":1,"error":{"code":-32600,"message":"deep","data":${deep}}}`,
      `{"id":${deep},"result":${deep}}`,
    ].map((line) => `${line}\n`);
  },
  "what is wide": () => [
    notify("item/completed", { ...ids, item: Array(1_000_000).fill(0) }),
    notify("turn/plan/updated", { ...ids, plan: Array(1_000_000).fill({}) }),
    notify("x", Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`key-${n}`, n]))),
    `{"method":"turn/diff/updated","params":{"threadId":"thread","turnId":"turn","diff":1e999,"n":-1e999}}\n`,
    notify("item/agentMessage/delta", { ...ids, itemId: "x".repeat(5_000_000), delta: "\ud800" }),
    toLine({ id: "x".repeat(2_000_000), method: "y".repeat(2_000_000), params: ids }),
    `{"id":1e999,"method":"item/tool/call","params":{}}\n`,
  ],
};

/** Writes text, and calls back when the system has taken it. */
let write = (text, done) => process.stdout.write(text, done);

function main() {
  if (listen) accept();
  else readLines();
}

function readLines() {
  let rest = "";
  process.stdout.on("error", () => process.exit(0));
  process.stdin.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) receive(JSON.parse(line));
  });
  process.stdin.on("end", () => process.exit(0));
}

function accept() {
  const sockets = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  sockets.once("listening", () => {
    process.stdout.write(`ws://127.0.0.1:${sockets.address().port}\n`);
  });
  sockets.once("connection", (socket) => {
    socket.on("message", (data) => receive(JSON.parse(data)));
    socket.on("error", () => undefined).on("close", () => process.exit(0));
    write = (text, done) => {
      const lines = text.split("\n").filter((line) => line !== "");
      for (const line of lines.slice(0, -1)) socket.send(line);
      socket.send(lines.at(-1), done);
    };
  });
}

function receive({ id, method }) {
  if (method === undefined) answered += 1;
  if (method === undefined || id === undefined) return;
  if (method === "turn/start") void strike(id);
  else send(toLine({ id, result: results[method] ?? { data: [] } }));
}

const results = {
  initialize: { userAgent: "codex-app-server-sdk/0.169.0 (Linux)", codexHome: "/nowhere" },
  "thread/start": { thread: { id: "thread", status: { type: "idle" }, turns: [] } },
};

async function strike(id) {
  const answer = toLine({ id, result: { turn: { id: "turn", status: "inProgress", items: [] } } });
  const own = started("thread", "turn", "turn");
  if (attack === "events before the answer") {
    await flood((n) => started("thread", `early-${n}`, "root"));
    await send(answer + own);
  } else {
    await send(answer + own);
    await attacks();
  }
  const turn = { id: "turn", status: "completed", items: [] };
  await send(notify("turn/completed", { threadId: "thread", turn }));
}

async function attacks() {
  if (attack === "an endless line") {
    for (;;) await send("x".repeat(65_536));
  } else if (attack === "questions without reading the answers") {
    process.stdin.pause();
    for (let n = 0; ; n += 1) {
      await send(block(n));
    }
  } else if (Object.hasOwn(bodies, attack)) {
    for (const line of bodies[attack]()) await send(line);
  } else {
    await flood(floods[attack]);
  }
}

/** A thousand different questions. */
function block(n) {
  const lines = Array.from({ length: 1_000 }, (_, index) =>
    toLine({ id: `${n}-${index}`, method: "nobody/knows", params: {} }),
  );
  return lines.join("");
}

async function flood(message) {
  for (let n = 0; n < count;) {
    let text = "";
    for (const end = Math.min(count, n + 500); n < end; n += 1) text += message(n);
    await send(text);
    // One that asks must read the answers, or it is given up; 4,096 may have none.
    while (attack.startsWith("requests") && answered < n - 6_000) await nextTurn();
  }
}

function started(threadId, id, rootTurnId) {
  return notify("turn/started", { threadId, turn: { id, rootTurnId, status: "inProgress" } });
}

function notify(method, params) {
  return toLine({ method, params });
}

function toLine(message) {
  return `${JSON.stringify(message)}\n`;
}

function nextTurn() {
  return new Promise((resolve) => setImmediate(resolve));
}

function send(text) {
  return new Promise((resolve) => write(text, () => resolve()));
}

if (floods[attack] ?? bodies[attack] ?? / /.test(attack)) main();
else writeSync(2, `there is no attack "${attack}"\n`);
