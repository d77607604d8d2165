/**
 * A server process that does what a script says: `node scripted-server-child.mjs script.json log`.
 * `scripted-server.ts` describes the script; it is data, and this is its interpreter. Everything
 * that happens is appended to the log as a line of JSON, before it has any effect.
 */
import { spawn } from "node:child_process";
import { appendFileSync, closeSync, readFileSync } from "node:fs";

const [scriptFile, logFile] = process.argv.slice(2);
const script = JSON.parse(readFileSync(scriptFile, "utf8"));
const survives = new Set(script.survives ?? []);
const counts = new Map();
const unanswered = new Map();
const answered = new Set();
const waiters = new Set();
let bytesRead = 0;
let atEnd = false;

/** Reads and acts until the script or the client ends the process. */
function main() {
  log({ pid: process.pid });
  process.on("SIGTERM", () => {
    log({ signal: "SIGTERM" });
    if (!survives.has("SIGTERM")) process.exit(0);
  });
  // The client may be gone while the script still writes.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  if (survives.size > 0) setInterval(() => undefined, 1_000_000);
  // A process that ignores its end must still not outlive a test run that was broken off.
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(1), 1_000).unref();

  readLines();
  run(script.start ?? [], {});
}

function readLines() {
  let parts = [];
  process.stdin.on("data", (chunk) => {
    bytesRead += chunk.length;
    wake();
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString();
      parts = [];
      start = end + 1;
      receive(line);
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  });
  process.stdin.on("error", () => undefined);
  process.stdin.on("end", () => {
    log({ eof: true });
    atEnd = true;
    wake();
    if (!survives.has("EOF")) process.exit(0);
  });
}

function receive(line) {
  const message = JSON.parse(line);
  const { id, method } = message;
  if (method === undefined) {
    log({ received: message });
    answered.add(JSON.stringify(id));
    wake();
    return;
  }
  const count = (counts.get(method) ?? 0) + 1;
  counts.set(method, count);
  if (id !== undefined) unanswered.set(JSON.stringify(id), method);
  log({ received: message, unanswered: unanswered.size });
  wake();
  const steps = stepsFor(method, count);
  if (steps) run(steps, { ...message, count });
  else if (id !== undefined) {
    const text = `Invalid request: unknown variant \`${method}\`, expected one of …`;
    run([{ refuse: { code: -32_600, message: text } }], message);
  }
}

/** The steps for the n-th message of a method; the last list serves all later ones. */
function stepsFor(method, count) {
  const handlers = script.on ?? {};
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : handlers["*"];
  if (!Array.isArray(handler?.[0])) return handler;
  return handler[Math.min(count, handler.length) - 1];
}

async function run(steps, context) {
  for (const step of steps) await perform(step, context, writeOut);
}

async function perform(raw, context, write) {
  const step = "steps" in raw || "together" in raw ? raw : fill(raw, context);
  const name = Object.keys(step).find((key) => Object.hasOwn(actions, key));
  await actions[name](step, context, write);
}

const actions = {
  respond: ({ respond, to }, { id }, write) => answer(id, to, { result: respond }, write),
  refuse: ({ refuse, to }, { id }, write) => answer(id, to, { error: refuse }, write),
  notify: ({ notify, params, emittedAtMs = 1_767_225_600_000 }, _, write) =>
    write(toLine({ method: notify, params, emittedAtMs })),
  ask: ({ ask, id, params }, _, write) => write(toLine({ id, method: ask, params })),
  send: ({ send }, _, write) => write(toLine(send)),
  line: ({ line }, _, write) => write(Buffer.from(`${line}\n`)),
  bytes: ({ bytes, chunk }, _, write) => writeCut(Buffer.from(bytes, "base64"), chunk, write),
  async together({ together, chunk }, context, write) {
    const parts = [];
    for (const step of together) await perform(step, context, (part) => parts.push(part));
    await writeCut(Buffer.concat(parts), chunk, write);
  },
  async repeat({ repeat, steps }, context, write) {
    for (let index = 0; index < repeat; index += 1) {
      for (const step of steps) await perform(step, { ...context, index }, write);
    }
  },
  waitFor: ({ waitFor, count = 1 }) => until(() => (counts.get(waitFor) ?? 0) >= count),
  waitForUnanswered: ({ waitForUnanswered }) => until(() => unanswered.size >= waitForUnanswered),
  waitForAnswer: ({ waitForAnswer }) => until(() => answered.has(JSON.stringify(waitForAnswer))),
  waitForBytes: ({ waitForBytes }) => until(() => bytesRead >= waitForBytes),
  waitForEof: () => until(() => atEnd),
  async stderr({ stderr, times = 1 }) {
    for (let n = 0; n < times; n += 1) {
      await new Promise((resolve) => process.stderr.write(stderr, resolve));
    }
  },
  exit: ({ exit }) => process.exit(exit),
  kill: ({ kill }) => {
    process.kill(process.pid, kill);
    return new Promise(() => undefined);
  },
  close({ close }) {
    // Node never closes the descriptors of its standard streams by itself.
    setInterval(() => undefined, 1_000_000);
    if (close === "stdin") process.stdin.destroy();
    closeSync(close === "stdin" ? 0 : 1);
    log({ closed: close });
  },
  stopReading() {
    process.stdin.pause();
    setInterval(() => undefined, 1_000_000);
  },
  async spawnHolder({ spawnHolder }) {
    // Nobody may be left to end it, so it does not live for ever.
    const end = "setTimeout(() => process.exit(), 60_000);";
    const talk = "process.stderr.on('error', () => 0); setInterval(() => console.error('.'), 20);";
    const ready = "setTimeout(() => { process.send(''); process.disconnect(); }, 50);";
    const code = end + ready + (spawnHolder === "and logs" ? talk : "");
    const stdio = ["inherit", "inherit", "inherit", "ipc"];
    const holder = spawn(process.execPath, ["-e", code], { stdio });
    await new Promise((resolve) => holder.once("message", resolve));
    log({ pid: holder.pid });
  },
};

/** `to` names a method whose oldest open request is meant, instead of the one reacted to. */
function answer(ownId, to, outcome, write) {
  const [key] = [...unanswered].find(([, method]) => method === to) ?? [JSON.stringify(ownId)];
  unanswered.delete(key);
  return write(toLine({ id: JSON.parse(key), ...outcome }));
}

/** Writes all at once, or `chunk` bytes in a write. */
async function writeCut(all, chunk, write) {
  if (chunk === undefined) return write(all);
  for (let at = 0; at < all.length; at += chunk) {
    await write(all.subarray(at, at + chunk));
    await new Promise(setImmediate);
  }
}

function writeOut(bytes) {
  return new Promise((resolve) => process.stdout.write(bytes, () => resolve()));
}

function toLine(value) {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Resolves when `condition` holds, now or after something else has arrived. */
function until(condition) {
  if (condition()) return Promise.resolve();
  return new Promise((resolve) => waiters.add({ condition, resolve }));
}

function wake() {
  for (const waiter of [...waiters]) {
    if (!waiter.condition()) continue;
    waiters.delete(waiter);
    waiter.resolve();
  }
}

/** Puts values in the place of `{{path}}`, and long text in the place of `{ repeatText, times }`. */
function fill(value, context) {
  if (typeof value === "string") {
    const whole = /^\{\{([\w.]+)\}\}$/.exec(value);
    if (whole) return lookUp(context, whole[1]);
    return value.replace(/\{\{([\w.]+)\}\}/g, (_, path) => String(lookUp(context, path)));
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, context));
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.repeatText === "string") return value.repeatText.repeat(value.times);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, fill(inner, context)]),
  );
}

function lookUp(context, path) {
  return path.split(".").reduce((value, key) => value?.[key], context);
}

function log(entry) {
  appendFileSync(logFile, `${JSON.stringify(entry)}\n`);
}

main();
