import { tmpdir } from "node:os";
import path from "node:path";
import { Codex, isAppServerError, type CodexOptions, type Thread } from "codex-app-server-sdk";
import { partsOf, type TurnPart } from "codex-app-server-sdk/http";
import { handleOf, threadOf } from "./thread-handles.ts";

const { CODEX_URL, CODEX_TOKEN, OPENAI_API_KEY, PATH } = process.env;
/** How long before the platform's limit a turn is stopped (ms). The stop takes 5 s if the server is stuck. */
const reserveMs = Number(process.env["RESERVE_MS"] ?? 6_000);

const { env, ...options } = JSON.parse(process.env["CODEX_OPTIONS"] ?? "{}") as CodexOptions;

/** One for all invocations of this process. The first that needs the server starts it. */
const codex = new Codex(
  CODEX_URL
    ? { url: CODEX_URL, token: CODEX_TOKEN }
    : {
        // Nothing else can be written to, as a rule.
        codexHome: path.join(tmpdir(), "codex-home"),
        // The rest of the environment has the credentials of the function.
        inheritEnv: false,
        env: { PATH, TMPDIR: tmpdir(), ...env },
        ...options,
      },
);

const settings = {
  cwd: process.env["PROJECT"] ?? tmpdir(),
  sandbox: "read-only",
  // Nobody can be asked: an answer would come as another invocation, and mostly in another process.
  approvalPolicy: "never",
  // A command can read what the process can, in this sandbox, too: other users' conversations, and the login.
  config: { features: { shell_tool: false } },
  ...(JSON.parse(process.env["THREAD_OPTIONS"] ?? "{}") as object),
} as const;

export interface Question {
  readonly input: string;
  /** Where to go on: `thread` of an earlier answer. */
  readonly thread?: string | undefined;
}

export interface BegunTurn {
  readonly thread: string;
  /** The last one, `end`, comes before the platform's limit. Leaving them stops the turn. */
  readonly parts: AsyncIterable<TurnPart>;
}

/**
 * Begins a turn that is over before the platform ends the process. One that takes longer is stopped and ends with
 * the code `TURN_TIMEOUT`; what it has said until then has been told.
 */
export async function beginTurn(
  user: string,
  { input, thread: handle }: Question,
  remainingMs: number,
): Promise<BegunTurn> {
  const endsAt = performance.now() + remainingMs - reserveMs;
  const leftMs = (): number => Math.max(1, Math.floor(endsAt - performance.now()));
  const threadId = handle === undefined ? undefined : threadOf(handle, user);
  const thread = await within(leftMs(), openAnew(threadId));
  const turn = thread.turn(input, { timeoutMs: leftMs() });
  return { thread: handleOf(thread.id, user), parts: partsOf(turn, { cwd: settings.cwd }) };
}

/** The connection may have been lost while the process was frozen: the first call finds out, and the second has another. */
async function openAnew(threadId: string | undefined): Promise<Thread> {
  try {
    return await open(threadId);
  } catch (error) {
    if (!isAppServerError(error) || error.code !== "TRANSPORT_CLOSED") throw error;
    return open(threadId);
  }
}

async function open(threadId: string | undefined): Promise<Thread> {
  const { loginRequired } = await codex.ready();
  if (loginRequired && OPENAI_API_KEY) await codex.login.apiKey(OPENAI_API_KEY);
  return threadId === undefined
    ? codex.startThread(settings)
    : codex.resumeThread(threadId, settings);
}

/** Rejects when a start takes too long, which is then a problem of status 504. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ms);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([promise, late]);
}
