import { sourceFiles, type SourceImport } from "./source-imports.js";

/**
 * The rooms of lib/, the upper before the lower, with what each knows. A room imports from those below
 * it, by value and by type alike; what lies directly in lib/ is a room of its own.
 */
export const rooms: Readonly<Record<string, string>> = {
  index: "the public surface: named exports, nothing else",
  "app-server-errors": "the union of all errors, told apart by their codes",
  codex: "the default client: starts a server on first use, shares it, replaces a dead one",
  supervision: "the one server of a client: started, replaced, suspended, drained, closed",
  client: "one connection to one server",
  catalogue: "how threads are made and found; what both clients offer",
  thread: "the handle on a thread",
  resources:
    "what a client offers besides threads and turns: account, machine, extensions, configuration",
  goal: "the handle on a goal",
  goals: "the life of a goal: many turns shown as one",
  parts: "a turn's events as the parts of a user interface",
  turn: "the handle on a turn",
  turns: "the life of a turn: start, follow, stop, end",
  session: "what is known of one connection: its threads, who follows what, recovery after a drop",
  options: "what callers pass in, checked",
  paths: "which parts of a request are paths, and how the server is to get them",
  "server-requests": "approvals and everything else that the server asks, answered once",
  tools: "functions that the model calls",
  media: "which images and sounds the server reads",
  schema: "JSON Schema, the strict mode, checks of answers",
  usage: "what turns use, each token once: by model, with its cost, within budgets",
  messages: "what the server's messages say: ids, states, texts",
  jsonrpc:
    "JSON-RPC and nothing else: framing, correlation, limits, deadlines, retry, reconnecting",
  recording: "what goes over a connection, in a file, without its secrets",
  transport: "bytes to and from a process or a socket",
  runtime: "which program to run, and its command line",
  results: "the shapes of what turns, goals and commands give",
  protocol: "the types of the protocol",
  version: "the version of this package",
  diagnostics: "the channels on which operations are shown, and the trace that they belong to",
  errors: "the classes of errors, and how the server's become ours",
  async: "queues, deadlines, signals: knows nothing of Codex",
};

/** Entry points of their own; they use no more of lib/ than what is named here. */
export const entries: Readonly<Record<string, readonly string[]>> = {
  ai: ["async", "errors", "http", "options", "parts"],
  fleet: ["index", "async", "errors", "http", "options", "parts", "runtime"],
  http: ["app-server-errors", "async", "errors", "options", "parts"],
  // It reads the channels: of the main entry it takes types only.
  telemetry: ["index", "errors", "version"],
  // What a page loads: nothing of Node, and nothing that is not used.
  browser: ["parts"],
  testing: ["async", "errors", "recording", "runtime", "transport"],
  // Where the runtime lies, and what may be wrong with its directories, a client tells only by failing.
  doctor: ["index", "runtime", "errors", "async"],
  cli: ["doctor", "index"],
};

/** The room of a file: `lib/turns/turn-start.ts` lies in `turns`, `lib/turn.ts` in `turn`. */
export function roomOf(file: string): string {
  const [, second = "", third] = file.split("/");
  return third === undefined ? second.replace(/\.ts$/, "") : second;
}

/** Whether an import leads to the same room or to a lower one. */
export function leadsDown({ from, to }: SourceImport): boolean {
  const order = Object.keys(rooms);
  return order.indexOf(roomOf(from)) <= order.indexOf(roomOf(to));
}

/** The picture of the rooms that docs/architecture.md shows: each room, and what it knows. */
export function picture(): string {
  const files = sourceFiles("lib");
  const line = (room: string, knows: string): string => {
    const isFile = files.includes(`lib/${room}.ts`);
    const name = isFile ? `${room}.ts` : `${room}/`;
    return `  ${name.padEnd(22)}${knows}`;
  };
  return ["lib/", ...Object.entries(rooms).map(([room, knows]) => line(room, knows))].join("\n");
}
