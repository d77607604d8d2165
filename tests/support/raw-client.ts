import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import path from "node:path";

/** Any line of the protocol, as it stands on the wire. */
export interface RawMessage {
  id?: string | number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
  emittedAtMs?: number;
}

export interface RawClientOptions {
  command: string;
  args?: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
  /** Keep every received message in `messages`; `waitFor` needs it. Default: true. */
  keep?: boolean;
}

type Listener = (message: RawMessage, direction: "in" | "out") => void;

/** Bare JSON lines over a child process: no library code, so that it can judge the library. */
export class RawClient {
  readonly messages: RawMessage[] = [];
  readonly child: ChildProcessWithoutNullStreams;
  stderr = "";
  readonly #keep: boolean;
  readonly #listeners = new Set<Listener>();
  readonly #pending = new Map<string | number, (answer: RawMessage | Error) => void>();
  readonly #exited: Promise<unknown>;
  #nextId = 1;
  #ended = false;

  static start(options: RawClientOptions): RawClient {
    return new RawClient(options);
  }

  private constructor({ command, args = [], env = {}, cwd, keep = true }: RawClientOptions) {
    this.#keep = keep;
    this.child = spawn(command, args, { env: { ...process.env, ...env }, cwd, stdio: "pipe" });
    this.#exited = once(this.child, "close").catch(() => undefined);
    this.child.stdin.on("error", () => undefined);
    this.child.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    let rest = "";
    this.child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") this.#receive(JSON.parse(line) as RawMessage);
    });
    void this.#exited.then(() => {
      this.#ended = true;
      for (const settle of this.#pending.values()) settle(this.#gone());
      this.#emit({ method: "raw/exited" }, "in");
    });
  }

  /** The whole answer line: a result or an error. */
  async call(method: string, params: Record<string, unknown> = {}): Promise<RawMessage> {
    if (this.#ended) throw this.#gone();
    const id = this.#nextId++;
    const answer = new Promise<RawMessage | Error>((resolve) => this.#pending.set(id, resolve));
    this.send({ id, method, params });
    const outcome = await answer;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** The result; an error answer throws. */
  async request(
    method: string,
    params?: Record<string, unknown>,
  ): Promise<Record<string, unknown>> {
    const { result, error } = await this.call(method, params);
    if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
    return result ?? {};
  }

  notify(method: string, params?: Record<string, unknown>): void {
    this.send(params ? { method, params } : { method });
  }

  respond(id: string | number, result: Record<string, unknown>): void {
    this.send({ id, result });
  }

  send(message: RawMessage): void {
    this.child.stdin.write(JSON.stringify(message) + "\n");
    this.#emit(message, "out");
  }

  async initialize(
    capabilities: Record<string, unknown> = { experimentalApi: true },
  ): Promise<void> {
    const clientInfo = { name: "raw-client", title: null, version: "0.0.0" };
    await this.request("initialize", { clientInfo, capabilities });
    this.notify("initialized");
  }

  /** Calls `listener` for every message, both ways, in order. Returns the function that stops it. */
  onMessage(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first received message that matches, past or future, from index `from` on. */
  waitFor(matches: (message: RawMessage) => boolean, from = 0): Promise<RawMessage> {
    const known = this.messages.slice(from).find(matches);
    if (known) return Promise.resolve(known);
    if (this.#ended) return Promise.reject(this.#gone());
    return new Promise((resolve, reject) => {
      const stop = this.onMessage((message, direction) => {
        const exited = message.method === "raw/exited";
        if (!exited && (direction === "out" || !matches(message))) return;
        stop();
        if (exited) reject(this.#gone());
        else resolve(message);
      });
    });
  }

  /** Ends stdin, then asks, then forces. Resolves when the process is gone. */
  async close(): Promise<void> {
    this.child.stdin.end();
    const term = setTimeout(() => this.child.kill("SIGTERM"), 3_000);
    const kill = setTimeout(() => this.child.kill("SIGKILL"), 6_000);
    await this.#exited;
    clearTimeout(term);
    clearTimeout(kill);
  }

  #receive(message: RawMessage): void {
    if (this.#keep) this.messages.push(message);
    if (message.method === undefined && message.id !== undefined) {
      this.#pending.get(message.id)?.(message);
      this.#pending.delete(message.id);
    }
    this.#emit(message, "in");
  }

  #emit(message: RawMessage, direction: "in" | "out"): void {
    for (const listener of this.#listeners) listener(message, direction);
  }

  #gone(): Error {
    return new Error(`the process ended; stderr: ${this.stderr.slice(-2_000)}`);
  }
}

/** `-c` arguments for a nested configuration object. */
export function configArgs(config: object, prefix = ""): string[] {
  return Object.entries(config).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? configArgs(value, `${prefix}${key}.`)
      : ["-c", `${prefix}${key}=${JSON.stringify(value)}`],
  );
}

/** The server under test: another one than the pinned one when test:runtimes says so. */
export function serverUnderTest(): string {
  const other = process.env.CODEX_PATH ?? "";
  return other === "" ? nativeCodexPath() : path.resolve(other);
}

/** The native binary inside the installed platform package: the pinned one. */
export function nativeCodexPath(): string {
  const triples: Record<string, string> = {
    "linux-x64": "x86_64-unknown-linux-musl",
    "linux-arm64": "aarch64-unknown-linux-musl",
    "darwin-x64": "x86_64-apple-darwin",
    "darwin-arm64": "aarch64-apple-darwin",
  };
  const platform = `${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  const root = path.dirname(require.resolve(`@openai/codex-${platform}/package.json`));
  return path.join(root, "vendor", triples[platform] ?? platform, "bin", "codex");
}
