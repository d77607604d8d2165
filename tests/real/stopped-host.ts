/**
 * A host that is stopped in the midst of its work: `stopped-host.ts <plan>`. It begins everything that
 * the plan holds, each with `timeoutMs`, says so with a line, and stops itself (SIGSTOP). When it is
 * told to go on, it prints how all of it ended.
 */
import {
  Codex,
  type CodexConnectOptions,
  type CodexOptions,
  type Thread,
} from "../../lib/index.js";

export interface Plan {
  readonly options: CodexOptions | CodexConnectOptions;
  readonly timeoutMs: number;
  /** Where the command of the request leaves a file when it has been told to end, by another one. */
  readonly files: { readonly end: string; readonly ended: string };
}

export interface Begun {
  readonly turn: string;
  readonly silent: string;
  readonly goal: string;
}

/** For each part of the work how it ended: its result in a word, or the code of its error. */
export type Endings = Readonly<Record<keyof Begun | "request", string>>;

const { options, timeoutMs, files } = JSON.parse(process.argv[2] ?? "") as Plan;
const codex = new Codex(options);
const client = await codex.client();
const threads = await Promise.all([1, 2, 3].map(() => codex.startThread()));
const [turnThread, silentThread, goalThread] = threads as [Thread, Thread, Thread];

const waiting = new Set(threads.map(({ id }) => id));
const allBegun = new Promise<void>((resolve) => {
  client.on("item/agentMessage/delta", ({ params }) => {
    waiting.delete(params.threadId);
    if (waiting.size === 0) resolve();
  });
});
say({ turn: turnThread.id, silent: silentThread.id, goal: goalThread.id });
process.stdin.once("data", () => void work());

async function work(): Promise<void> {
  const loop = `until [ -e ${files.end} ]; do sleep 0.02; done; touch ${files.ended}`;
  const endings = [
    turnThread.run("Go", { timeoutMs }).then(({ status }) => status),
    silentThread.run("Go", { idleTimeoutMs: timeoutMs }).then(({ status }) => status),
    goalThread
      .runGoal("Reach it", { timeoutMs })
      .run()
      .then(({ goal }) => goal?.status ?? "none"),
    client
      .request("command/exec", { command: ["sh", "-c", loop] }, { timeoutMs })
      .then(({ exitCode }) => `exit code ${exitCode}`),
  ].map((ending) =>
    ending.catch((error: unknown) => (error as { code?: string }).code ?? String(error)),
  );
  await allBegun;
  say("stopped");
  process.kill(process.pid, "SIGSTOP");
  const [turn, silent, goal, request] = await Promise.all(endings);
  say({ turn, silent, goal, request });
  await codex.close();
  process.stdin.destroy();
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
