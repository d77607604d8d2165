/**
 * A server that means harm: `hostile-server.ts <attack> <count> [listen]`. It behaves until it is
 * asked for a turn; then it attacks, and, if there still is anybody, ends the turn as it should. With
 * `listen` it takes one connection of WebSocket, and prints its address.
 */
import { writeSync } from "node:fs";
import { listen } from "../../lib/testing/server/listen.js";
import { toLine } from "../../lib/testing/server/message.js";
import { MessageServer, noAnswer } from "../../lib/testing/server/message-server.js";
import { serveStdio } from "../../lib/testing/server/serve-stdio.js";
import type { ServerConnection } from "../../lib/testing/server/server-connection.js";

type Params = Readonly<Record<string, unknown>>;

const [attack = "", countText, way] = process.argv.slice(2);
const count = Number(countText);
const ids = { threadId: "thread", turnId: "turn" };
let answered = 0;
let client: ServerConnection;
const usage = { totalTokens: 1, inputTokens: 1, outputTokens: 1 };

/** What is sent `count` times, each time with another number. */
const floods: Readonly<Record<string, (n: number) => string>> = {
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

const bodies: Readonly<Record<string, () => string[]>> = {
  // Written in no time, since all of it is the same.
  "answers and long events in turn": () => {
    const long = notify("account/updated", { long: "x".repeat(4_096) });
    return Array<string>(count / 1_000).fill(
      (toLine({ id: "nobody", result: {} }) + long).repeat(1_000),
    );
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

async function main(): Promise<void> {
  const server = new MessageServer();
  server.onReceived = ({ method }, connection) => {
    client = connection;
    if (method === undefined) answered += 1;
  };
  server.onDisconnected = () => process.exit(0);
  server.on("*", (_, { method = "" }) => results[method] ?? { data: [] });
  server.on("turn/start", (_, { id }) => {
    void strike(id);
    return noAnswer;
  });
  if (way === "listen") process.stdout.write(`${(await listen(server)).url}\n`);
  else serveStdio(server);
}

const results: Readonly<Record<string, object>> = {
  initialize: { userAgent: "codex-app-server-sdk/0.169.0 (Linux)", codexHome: "/nowhere" },
  "thread/start": { thread: { id: "thread", status: { type: "idle" }, turns: [] } },
};

async function strike(id: unknown): Promise<void> {
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

async function attacks(): Promise<void> {
  if (attack === "an endless line") {
    for (;;) await send("x".repeat(65_536));
  } else if (attack === "questions without reading the answers") {
    client.outlet.stopReading();
    for (let n = 0; ; n += 1) {
      await send(block(n));
    }
  } else if (Object.hasOwn(bodies, attack)) {
    for (const line of bodies[attack]?.() ?? []) await send(line);
  } else {
    await flood(floods[attack] ?? (() => ""));
  }
}

/** A thousand different questions. */
function block(n: number): string {
  const lines = Array.from({ length: 1_000 }, (_, index) =>
    toLine({ id: `${n}-${index}`, method: "nobody/knows", params: {} }),
  );
  return lines.join("");
}

async function flood(message: (n: number) => string): Promise<void> {
  for (let n = 0; n < count;) {
    let text = "";
    for (const end = Math.min(count, n + 500); n < end; n += 1) text += message(n);
    await send(text);
    // One that asks must read the answers, or it is given up; 4,096 may have none.
    while (attack.startsWith("requests") && answered < n - 6_000) await nextTurn();
  }
}

function started(threadId: string, id: string, rootTurnId: string): string {
  return notify("turn/started", { threadId, turn: { id, rootTurnId, status: "inProgress" } });
}

function notify(method: string, params: Params): string {
  return toLine({ method, params });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function send(text: string): Promise<void> {
  await client.write(text);
}

if (floods[attack] ?? bodies[attack] ?? / /.test(attack)) await main();
else writeSync(2, `there is no attack "${attack}"\n`);
