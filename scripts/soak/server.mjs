/**
 * An app-server that does no work of its own, for `npm run soak`: what a turn does is said by its
 * input. `say` answers, `fail` fails, `hang` says one word and waits to be interrupted, `flood` says
 * much at once, `approve` and `tool` ask the client first.
 */
let [threads, turns, requests] = [0, 0, 0];
/** What goes on when the client has answered, by the id of our request. */
const asked = new Map();
/** The turns that hang, by their thread. */
const hanging = new Map();

let rest = "";
process.stdin.setEncoding("utf8").on("data", (chunk) => {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) receive(JSON.parse(line));
});
process.stdin.on("end", () => process.exit());

function receive({ id, method, params }) {
  if (method === undefined) {
    asked.get(id)?.();
    asked.delete(id);
  } else if (id !== undefined) {
    const answer = Object.hasOwn(answers, method) ? answers[method] : () => ({});
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
  "thread/resume": ({ threadId }) => opened(threadId),
  "thread/unsubscribe": () => ({ status: "unsubscribed" }),
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
};

function run(threadId, turnId, text) {
  const ids = { threadId, turnId };
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
    case "flood":
      for (let word = 0; word < 3_000; word += 1) say(ids, `word ${word} `);
      finish(ids);
      break;
    case "approve": {
      const item = { type: "commandExecution", id: `command-${turnId}`, command: "true" };
      notify("item/started", { ...ids, item });
      const about = { ...ids, itemId: item.id, command: "true", cwd: "/", startedAtMs: 1 };
      ask("item/commandExecution/requestApproval", about, () => finish(ids));
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

function ask(method, params, then) {
  requests += 1;
  asked.set(requests, then);
  send({ id: requests, method, params });
}

function say(ids, delta) {
  notify("item/agentMessage/delta", { ...ids, itemId: `message-${ids.turnId}`, delta });
}

function finish({ threadId, turnId }) {
  notify("item/completed", { threadId, turnId, item: message(turnId, "That is all.") });
  end(threadId, turnId, { status: "completed" });
}

function end(threadId, turnId, fields) {
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
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
