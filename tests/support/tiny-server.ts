import { ScriptedServer, type Handlers } from "./scripted-server.js";
import { initialized } from "./scripted-server-messages.js";

/** A server that can do no more than start, as a real child process. */
export interface TinyServer extends AsyncDisposable {
  /** For the `launch` option. */
  readonly launch: { readonly command: string; readonly args: readonly string[] };
  /** Process ids of every start so far, in order. */
  starts(): Promise<number[]>;
  /** The methods of all messages so far, of all starts. */
  methods(): Promise<string[]>;
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
  const { failures = 0, silent = false, version = "0.169.0" } = options;
  const failing = Array.from({ length: failures }, () => [
    { stderr: "not in the mood" },
    { exit: 1 },
  ]);
  const on = silent ? { initialize: heard, "*": heard } : behaving(version);
  const server = await ScriptedServer.create({ start: [...failing, []], on });
  return {
    launch: server.launch,
    starts: () => server.pids(),
    methods: async () => (await server.received()).flatMap(({ method }) => method ?? []),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const heard = [{ stderr: "heard {{method}}" }];

function behaving(version: string): Handlers {
  const opened = (id: string) => ({ thread: { id, status: { type: "idle" } } });
  return {
    initialize: [{ respond: initialized(`codex-app-server-sdk/${version} (Linux; x86_64)`) }],
    "account/read": [{ respond: { account: null, requiresOpenaiAuth: true } }],
    "thread/start": [{ respond: opened("thread-{{count}}") }],
    "thread/resume": [{ respond: opened("{{params.threadId}}") }],
    "turn/start": [{ respond: { turn: { id: "turn-1" } } }],
    "thread/read": [{ exit: 7 }],
    "*": [{ respond: {} }],
  };
}
