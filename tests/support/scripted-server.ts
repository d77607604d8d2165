import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AppServerClient } from "../../lib/client.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";
import { isAlive, killIfAlive } from "./processes.js";
import { standardHandlers } from "./scripted-server-messages.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

/** Any JSON value. `{{path}}` and `{ repeatText, times }` in it are replaced when a step is done. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/**
 * One thing that the server does. Text may hold `{{params.threadId}}`, `{{id}}` or `{{count}}`
 * (which message of this method it is, from 1) of the message that the steps react to, and
 * `{{index}}` inside `repeat`. `{ repeatText: "x", times: 1000 }` stands for a long text.
 */
export type Step =
  /** Answers the request that the steps react to, or the oldest open one of the method `to`. */
  | { readonly respond: Json; readonly to?: string }
  | { readonly refuse: Json; readonly to?: string }
  | { readonly notify: string; readonly params?: Json; readonly emittedAtMs?: number }
  /** A server request. */
  | { readonly ask: string; readonly id: string | number | null; readonly params?: Json }
  /** Any JSON value as a line; any text as a line; any bytes (base64), `chunk` in a write. */
  | { readonly send: Json }
  | { readonly line: string }
  | { readonly bytes: string; readonly chunk?: number }
  /** Puts what these steps send into a single write, or into writes of `chunk` bytes. */
  | { readonly together: readonly Step[]; readonly chunk?: number }
  | { readonly repeat: number; readonly steps: readonly Step[] }
  /** Goes on when so many messages of a method have come, since the process started. */
  | { readonly waitFor: string; readonly count?: number }
  | { readonly waitForUnanswered: number }
  | { readonly waitForAnswer: string | number }
  /** Goes on when so many bytes have been read in all, be they whole messages or not. */
  | { readonly waitForBytes: number }
  | { readonly waitForEof: true }
  | { readonly stderr: Json; readonly times?: number }
  | { readonly exit: number }
  | { readonly kill: NodeJS.Signals }
  | { readonly close: "stdin" | "stdout" }
  | { readonly stopReading: true }
  /** Starts a process that inherits all pipes and lives on, silent or not. */
  | { readonly spawnHolder: "and is silent" | "and logs" };

/** What to do for each message of a method, or for the first, the second and so on. */
export type Handler = readonly Step[] | readonly (readonly Step[])[];
export type Handlers = Readonly<Record<string, Handler>>;

/** A server's behaviour as plain data. */
export interface Script {
  /** Done first, before anything is read. */
  readonly start?: readonly Step[];
  /**
   * By method, over those of a well-behaved server; `"*"` is for methods without one of their own.
   * An empty list never answers. Without any, a request is refused as an unknown method.
   */
  readonly on?: Handlers;
  /** What the process does not end by. */
  readonly survives?: readonly ("SIGTERM" | "EOF")[];
}

/** A line of the server's own record. */
export interface LogEntry {
  /** A process that was started: the server itself, then those that it spawned. */
  readonly pid?: number;
  /** A message of the client; `unanswered` counts the requests without an answer, with this one. */
  readonly received?: Message;
  readonly unanswered?: number;
  readonly eof?: true;
  readonly signal?: NodeJS.Signals;
  readonly closed?: "stdin" | "stdout";
}

export interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

const child = fileURLToPath(new URL("scripted-server-child.mjs", import.meta.url));

/** A script that is ready to be started as a process. */
export class ScriptedServer implements AsyncDisposable {
  /** For the option of the same name. */
  readonly launch: { readonly command: string; readonly args: readonly string[] };
  readonly #directory: TempDir;
  /** The server's own record, a line of JSON (`LogEntry`) each. */
  readonly logFile: string;
  readonly #clients: AppServerClient[] = [];

  private constructor(directory: TempDir) {
    this.#directory = directory;
    this.logFile = path.join(directory.path, "log.jsonl");
    const args = [child, path.join(directory.path, "script.json"), this.logFile];
    this.launch = { command: process.execPath, args };
  }

  static async create(script: Script = {}): Promise<ScriptedServer> {
    const directory = await makeTempDir();
    const whole = { ...script, on: { ...standardHandlers(), ...script.on } };
    await writeFile(path.join(directory.path, "script.json"), JSON.stringify(whole));
    return new ScriptedServer(directory);
  }

  /** Starts the process with a client on it, which `[Symbol.asyncDispose]` closes. */
  async start(options: AppServerClientOptions = {}): Promise<AppServerClient> {
    const client = await AppServerClient.start({ launch: this.launch, ...options });
    this.#clients.push(client);
    return client;
  }

  /** What has happened in the process so far: at least all that came before an answer seen here. */
  async log(): Promise<LogEntry[]> {
    const text = await readFile(this.logFile, "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as LogEntry]));
  }

  /** The messages of the client that the process has read, all or those of one method. */
  async received(method?: string): Promise<Message[]> {
    const messages = (await this.log()).flatMap(({ received }) => received ?? []);
    return method === undefined ? messages : messages.filter((each) => each.method === method);
  }

  /** The client's answers to server requests, in the order in which they came. */
  async answers(): Promise<Message[]> {
    return (await this.received()).filter((message) => message.method === undefined);
  }

  /** The process, and those that it spawned, in the order of their start. */
  async pids(): Promise<number[]> {
    return (await this.log()).flatMap(({ pid }) => pid ?? []);
  }

  /** Those of its processes that are still there. */
  async alive(): Promise<number[]> {
    return (await this.pids()).filter(isAlive);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    (await this.pids()).forEach(killIfAlive);
    await this.#directory.remove();
  }
}

export interface ScriptedClient extends AsyncDisposable {
  readonly client: AppServerClient;
  readonly server: ScriptedServer;
}

/** A client on a running script: `await using { client, server } = …` is not syntax; keep the whole. */
export async function startScripted(
  script: Script = {},
  options: AppServerClientOptions = {},
): Promise<ScriptedClient> {
  const server = await ScriptedServer.create(script);
  const dispose = () => server[Symbol.asyncDispose]();
  try {
    return { server, client: await server.start(options), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
