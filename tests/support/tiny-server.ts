import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeTempDir } from "./temp-dir.js";

/** A few lines that start like an app-server, as a real child process. */
export interface TinyServer extends AsyncDisposable {
  /** For the `launch` option. */
  readonly launch: { readonly command: string; readonly args: readonly string[] };
  /** Process ids of every start so far, in order. */
  starts(): Promise<number[]>;
}

/**
 * `failures`: how many starts end with code 1 and a message before there is an answer. `silent`: it
 * never answers, and writes to stderr what it heard. `version`: what it says it is. `thread/start`
 * numbers the threads of one process; `thread/read` ends it, code 7.
 */
export interface TinyServerOptions {
  readonly failures?: number;
  readonly silent?: boolean;
  readonly version?: string;
}

export async function tinyServer(options: TinyServerOptions = {}): Promise<TinyServer> {
  const directory = await makeTempDir();
  const script = path.join(directory.path, "server.mjs");
  const log = path.join(directory.path, "starts.log");
  await writeFile(log, "");
  await writeFile(script, source);
  const { failures = 0, silent = false, version = "0.169.0" } = options;
  const args = [script, log, String(failures), String(silent), version];
  return {
    launch: { command: process.execPath, args },
    starts: async () => (await readFile(log, "utf8")).split("\n").filter(Boolean).map(Number),
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

const source = `
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [, , log, failures, silent, version] = process.argv;
appendFileSync(log, process.pid + "\\n");
if (readFileSync(log, "utf8").trim().split("\\n").length <= Number(failures)) {
  process.stderr.write("not in the mood");
  process.exit(1);
}
const threads = new Set();
const open = (id) => {
  threads.add(id);
  return { thread: { id, status: { type: "idle" } } };
};
const results = {
  initialize: () => ({
    userAgent: "codex-app-server-sdk/" + version + " (Linux; x86_64)",
    codexHome: "/home/user/.codex",
    platformFamily: "unix",
    platformOs: "linux",
  }),
  "account/read": () => ({ account: null, requiresOpenaiAuth: true }),
  "thread/start": () => open("thread-" + (threads.size + 1)),
  "thread/resume": ({ threadId }) => open(threadId),
  "turn/start": ({ threadId }) => (threads.has(threadId) ? { turn: { id: "turn-1" } } : null),
  "thread/read": () => process.exit(7),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (silent === "true") process.stderr.write("heard " + method);
  if (id === undefined || silent === "true") return;
  const result = (results[method] ?? (() => ({})))(params);
  const answer = result ? { result } : { error: { code: -32603, message: "not loaded" } };
  process.stdout.write(JSON.stringify({ id, ...answer }) + "\\n");
});
`;
