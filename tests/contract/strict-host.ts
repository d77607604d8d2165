/**
 * A host process of its own, for what may end a process: `strict-host.ts <scenario> <launch>`, run
 * with `--unhandled-rejections=strict`. It prints what happened as JSON, and ends when nothing keeps
 * it alive any more: it never calls `process.exit`.
 */
import { AppServerClient } from "../../lib/client.js";
import { isAppServerError } from "../../lib/errors/base.js";
import type { LaunchOptions } from "../../lib/runtime/launch.js";

const MiB = 1_048_576;

const scenarios = {
  /** The process ends while it is being written to, with answers to it under way as well. */
  async "large-write"(client: AppServerClient) {
    const name = "x".repeat(32 * MiB);
    const calls = [
      client.request("thread/name/set", { threadId: "a", name }),
      client.request("thread/name/set", { threadId: "b", name }),
      client.notify("initialized", { name }),
      client.request("config/read", {}),
    ];
    return Promise.all(calls.map(codeOf));
  },

  /** The process ends, and everything that could be awaited is not. */
  async unattended(client: AppServerClient) {
    const thread = await client.startThread();
    void client.notifications();
    void client.notifications({ signal: new AbortController().signal });
    const turn = thread.turn("Hi");
    void thread.turn("waits for the first");
    void turn.started;
    const code = await codeOf(client.request("config/read", {}));
    await client.closed;
    return [code];
  },

  /** One signal for many calls at once is a normal thing to do, and no leak. */
  async "shared-signal"(client: AppServerClient) {
    const { signal } = new AbortController();
    const calls = Array.from({ length: 100 }, () => client.request("account/read", {}, { signal }));
    const codes = await Promise.all(calls.map(codeOf));
    await client.close();
    return [...new Set(codes)];
  },
};

async function main(): Promise<void> {
  const [scenario, launch] = process.argv.slice(2) as [keyof typeof scenarios, string];
  const warnings: string[] = [];
  process.on("warning", ({ name }) => warnings.push(name));
  const client = await AppServerClient.start(JSON.parse(launch) as LaunchOptions);
  const codes = await scenarios[scenario](client);
  const { kind, exitCode } = await client.closed;
  process.once("beforeExit", () => {
    process.stdout.write(JSON.stringify({ codes, kind, exitCode, warnings }));
  });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "ok";
  } catch (error) {
    return isAppServerError(error) ? error.code : String(error);
  }
}

await main();
