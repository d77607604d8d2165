/**
 * An app-server that does no work of its own, for `npm run soak`: what a turn does is said by its
 * input. `say` answers, `fail` fails, `hang` says one word and waits to be interrupted, `flood` says
 * much at once, `approve` and `tool` ask the client first, `wait` goes on when its thread is resumed,
 * and `die` ends the process. With `--listen` it takes connections of WebSocket, one after the other, on a
 * port that it prints.
 */
import { WebSocketServer } from "ws";

let [threads, turns, requests] = [0, 0, 0];
/** What goes on when the client has answered, by the id of our request. */
const asked = new Map();
/** The turns that hang, by their thread. */
const hanging = new Map();
/** The latest turn of each thread: its record, its items, and what it does when it is resumed. */
const latest = new Map();
/** Where what is written goes. */
const sinks = new Set();

process.stdin.on("end", () => process.exit());
if (process.argv.includes("--listen")) listen();
else readLines();

function readLines() {
  sinks.add((text) => process.stdout.write(`${text}\n`));
  let rest = "";
  process.stdin.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) receive(JSON.parse(line));
  });
}

function listen() {
  process.stdin.resume();
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("listening", () => process.stdout.write(`${server.address().port}\n`));
  server.on("connection", (socket) => {
    const sink = (text) => socket.send(text);
    sinks.add(sink);
    socket.on("error", () => undefined).on("close", () => sinks.delete(sink));
    socket.on("message", (data) => receive(JSON.parse(data)));
  });
}

function receive({ id, method, params }) {
  if (method === undefined) {
    asked.get(id)?.();
    asked.delete(id);
  } else if (id !== undefined) {
    const answer = Object.hasOwn(answers, method) ? answers[method] : () => ({ data: [] });
    const result = answer(params, id);
    if (result) send({ id, result });
    if (method === "turn/start") run(params.threadId, `turn-${turns}`, params.input[0].text);
  }
}

const answers = {
  initialize: () => ({
    userAgent: "soak/0.169.0 (none)",
    codexHome: "/nowhere",
    platformFamily: "unix",
    platformOs: "linux",
  }),
  "thread/start": () => opened(`thread-${(threads += 1)}`),
  "thread/resume": ({ threadId }) => {
    setImmediate(() => latest.get(threadId)?.resumed?.());
    return opened(threadId);
  },
  "thread/unsubscribe": ({ threadId }) => {
    latest.delete(threadId);
    return { status: "unsubscribed" };
  },
  "thread/turns/list": ({ threadId }) => ({ data: [latest.get(threadId)?.turn].filter(Boolean) }),
  "thread/items/list": ({ threadId }) => ({ data: latest.get(threadId)?.items ?? [] }),
  "turn/start": () => ({ turn: turn(`turn-${(turns += 1)}`) }),
  "turn/interrupt": ({ threadId }) => {
    const turnId = hanging.get(threadId);
    hanging.delete(threadId);
    if (turnId) setImmediate(end, threadId, turnId, { status: "interrupted" });
    return {};
  },
  // Answered later than anybody waits.
  "thread/read": (_params, id) => {
    setTimeout(send, 40, { id, result: {} });
    return undefined;
  },
  // Never answered.
  "config/read": () => undefined,
};

function run(threadId, turnId, text) {
  const ids = { threadId, turnId };
  latest.set(threadId, { turn: turn(turnId), items: [] });
  notify("turn/started", { threadId, turn: turn(turnId) });
  notify("item/started", { ...ids, item: message(turnId, "") });
  switch (text) {
    case "fail":
      end(threadId, turnId, { status: "failed", error: { message: "as asked" } });
      break;
    case "hang":
      hanging.set(threadId, turnId);
      say(ids, "Wait");
      break;
    case "wait":
      latest.get(threadId).resumed = () => finish(ids);
      say(ids, "Wait");
      break;
    case "die":
      process.exit(1);
      break;
    case "flood":
      for (let word = 0; word < 3_000; word += 1) say(ids, `word ${word} `);
      finish(ids);
      break;
    case "approve": {
      const item = { type: "commandExecution", id: `command-${turnId}`, command: "true" };
      notify("item/started", { ...ids, item });
      const about = { ...ids, itemId: item.id, command: "true", cwd: "/", startedAtMs: 1 };
      const again = ask("item/commandExecution/requestApproval", about, () => finish(ids));
      latest.get(threadId).resumed = again;
      break;
    }
    case "tool": {
      const call = { ...ids, callId: `call-${turnId}`, tool: "look", arguments: {} };
      ask("item/tool/call", call, () => finish(ids));
      break;
    }
    default:
      for (const word of ["That ", "is ", "all."]) say(ids, word);
      finish(ids);
  }
}

/** Gives what asks again, under the same id, as long as there is no answer. */
function ask(method, params, then) {
  const id = (requests += 1);
  asked.set(id, then);
  send({ id, method, params });
  return () => asked.has(id) && send({ id, method, params });
}

function say(ids, delta) {
  notify("item/agentMessage/delta", { ...ids, itemId: `message-${ids.turnId}`, delta });
}

function finish({ threadId, turnId }) {
  const item = message(turnId, "That is all.");
  latest.get(threadId)?.items.push({ turnId, item, completedAtMs: 1 });
  notify("item/completed", { threadId, turnId, item });
  end(threadId, turnId, { status: "completed" });
}

function end(threadId, turnId, fields) {
  const ended = latest.get(threadId);
  if (ended?.turn.id === turnId)
    Object.assign(ended, { turn: { ...turn(turnId), ...fields }, resumed: undefined });
  notify("turn/completed", { threadId, turn: { ...turn(turnId), ...fields } });
}

function opened(id) {
  return { thread: { id, status: { type: "idle" }, turns: [] }, model: "none", cwd: "/" };
}

function turn(id) {
  return { id, items: [], itemsView: "notLoaded", status: "inProgress", error: null };
}

function message(turnId, text) {
  return { type: "agentMessage", id: `message-${turnId}`, text, phase: "final_answer" };
}

function notify(method, params) {
  send({ method, params, emittedAtMs: Date.now() });
}

function send(value) {
  for (const sink of sinks) sink(JSON.stringify(value));
}
