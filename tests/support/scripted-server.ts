import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { AppServerClient } from "../../lib/client.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";
import type { ReceivedMessage, Script as ServerScript, Steps } from "../../lib/testing/index.js";
import { compileProgram } from "./compile-program.js";
import { isAlive, killIfAlive } from "./processes.js";
import { standardHandlers } from "./scripted-server-messages.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

export type { JsonObject, JsonValue as Json, Step } from "../../lib/testing/index.js";
export type Handler = Steps;
export type Handlers = Readonly<Record<string, Steps>>;
export type Message = ReceivedMessage;

/** A script for a process: its methods go over those of a well-behaved server. */
export interface Script extends ServerScript {
  /** What the process does not end by. */
  readonly survives?: readonly ("SIGTERM" | "EOF")[];
}

/** A line of the server's own record. */
export interface LogEntry {
  /** A process that was started: the server itself, then those that it spawned. */
  readonly pid?: number;
  readonly isServer?: true;
  /** A message of the client; `unanswered` counts the requests without an answer, with this one. */
  readonly received?: Message;
  readonly unanswered?: number;
  readonly eof?: true;
  readonly signal?: NodeJS.Signals;
  readonly closed?: "stdin" | "stdout";
}

const child = fileURLToPath(new URL("scripted-server-child.ts", import.meta.url));

/** A script that is ready to be started as a process. */
export class ScriptedServer implements AsyncDisposable {
  /** For the option of the same name. */
  readonly launch: { readonly command: string; readonly args: readonly string[] };
  readonly #directory: TempDir;
  /** The server's own record, a line of JSON (`LogEntry`) each. */
  readonly logFile: string;
  readonly #clients: AppServerClient[] = [];

  private constructor(directory: TempDir, program: string) {
    this.#directory = directory;
    this.logFile = path.join(directory.path, "log.jsonl");
    const args = [program, path.join(directory.path, "script.json"), this.logFile];
    this.launch = { command: process.execPath, args };
  }

  static async create(script: Script = {}): Promise<ScriptedServer> {
    const directory = await makeTempDir();
    const whole = { ...script, on: { ...standardHandlers(), ...script.on } };
    await writeFile(path.join(directory.path, "script.json"), JSON.stringify(whole));
    const server = new ScriptedServer(directory, await compileProgram(child));
    await writeFile(server.logFile, "");
    return server;
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
