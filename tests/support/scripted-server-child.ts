/**
 * A server process that does what a script says: `scripted-server-child.ts script.json log`. Everything
 * that happens is appended to the log as a line of JSON, before it has any effect.
 */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { ResponseError } from "../../lib/testing/server/message.js";
import { MessageServer } from "../../lib/testing/server/message-server.js";
import { serveStdio } from "../../lib/testing/server/serve-stdio.js";
import type { LogEntry, Script } from "./scripted-server.js";

const [scriptFile = "", logFile = ""] = process.argv.slice(2);
const script = JSON.parse(readFileSync(scriptFile, "utf8")) as Script;

/** How many processes have done this script before. */
const before = readFileSync(logFile, "utf8").match(/"isServer":true/g)?.length ?? 0;
log({ pid: process.pid, isServer: true });
const server = new MessageServer({ before });
server.on("*", (_, { id, method }) => {
  if (id === undefined) return;
  const text = `Invalid request: unknown variant \`${method ?? ""}\`, expected one of …`;
  throw new ResponseError(-32_600, text);
});
server.onReceived = (message, { unanswered }) => {
  const isRequest = message.method !== undefined;
  log({ received: message, ...(isRequest ? { unanswered: unanswered.size } : {}) });
};
server.follow(script);
serveStdio(server, { survives: script.survives, onEvent: log, spawnHolder });

async function spawnHolder(logs: boolean): Promise<void> {
  // Nobody may be left to end it, so it does not live for ever.
  const end = "setTimeout(() => process.exit(), 60_000);";
  const talk = "process.stderr.on('error', () => 0); setInterval(() => console.error('.'), 20);";
  const ready = "setTimeout(() => { process.send(''); process.disconnect(); }, 50);";
  const code = end + ready + (logs ? talk : "");
  const stdio = ["inherit", "inherit", "inherit", "ipc"] as const;
  const holder = spawn(process.execPath, ["-e", code], { stdio: [...stdio] });
  await new Promise((resolve) => holder.once("message", resolve));
  if (holder.pid !== undefined) log({ pid: holder.pid });
}

function log(entry: LogEntry): void {
  appendFileSync(logFile, `${JSON.stringify(entry)}\n`);
}
