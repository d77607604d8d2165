/**
 * A host process of its own, for what may end a process: `strict-host.ts <scenario> <options>`, run
 * with `--unhandled-rejections=strict`. It prints what happened as JSON, and ends when nothing keeps
 * it alive any more: it never calls `process.exit`.
 */
import { AppServerClient } from "../../lib/client.js";
import { isAppServerError } from "../../lib/errors/base.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";

const MiB = 1_048_576;

const scenarios = {
  /** The process ends while it is being written to, with answers to it under way as well. */
  async "large writes"(options: AppServerClientOptions) {
    const client = await AppServerClient.start(options);
    const name = "x".repeat(32 * MiB);
    const codes = await codesOf([
      client.request("thread/name/set", { threadId: "a", name }),
      client.request("thread/name/set", { threadId: "b", name }),
      client.notify("initialized", { name }),
      client.request("config/read", {}),
    ]);
    const { kind, exitCode } = await client.closed;
    return { codes, kind, exitCode };
  },

  /** The process ends, and hardly anything that could be awaited is. */
  async unattended(options: AppServerClientOptions) {
    const client = await AppServerClient.start(options);
    const thread = await client.startThread();
    client.notifications();
    client.notifications({ signal: new AbortController().signal });
    thread.turn("Hi");
    thread.turn("waits for the first");
    const codes = await codesOf([client.request("config/read", {})]);
    const { kind, exitCode } = await client.closed;
    return { codes, kind, exitCode };
  },

  /** One signal for many calls at once is a normal thing to do, and no leak. */
  async "one signal"(options: AppServerClientOptions) {
    const { signal } = new AbortController();
    const client = await AppServerClient.start({ ...options, signal });
    const calls = Array.from({ length: 100 }, () => client.request("account/read", {}, { signal }));
    const codes = await codesOf(calls);
    await client.close();
    return { codes: [...new Set(codes)] };
  },

  /** Handlers that do what handlers must not do, at the worst moments. */
  async "failing handlers"(options: AppServerClientOptions) {
    const circle: Record<string, unknown> = {};
    circle["itself"] = circle;
    const client = await AppServerClient.start({
      ...options,
      onApproval: {
        command: ({ command }, { signal }) => {
          if (command === "throws") throw new Error(command);
          if (command === "rejects") return Promise.reject(new Error(command));
          if (command === "circle") return circle as never;
          return new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => {
              if (command === "late answer") resolve("accept");
              else reject(new Error(command ?? ""));
            });
          });
        },
      },
    });
    const codes = await codesOf([client.request("account/read", {})]);
    const pending = client.pendingRequests().length;
    const { kind, exitCode } = await client.closed;
    return { codes, kind, exitCode, pending };
  },

  /** All that can be given a function gets one that rejects, and so does what is told of it. */
  async "rejecting listeners"(options: AppServerClientOptions) {
    const told: string[] = [];
    // As an async function looks where none is expected.
    const fail = () => Promise.reject(new Error("from a listener")) as unknown as never;
    const client = await AppServerClient.start({
      ...options,
      onStderr: fail,
      logger: { debug: fail, info: fail, warn: fail, error: fail },
      retryOnOverload: { minTimeoutMs: 1, maxTimeoutMs: 1, onRetry: fail },
      onApproval: fail,
      onError: (_, { where }) => {
        told.push(where);
        return fail();
      },
    });
    client.on("warning", fail);
    client.onConnectionStatus(fail);
    const codes = await codesOf([client.request("account/read", {})]);
    const { kind, exitCode } = await client.closed;
    return { codes, kind, exitCode, told: [...new Set(told)].sort() };
  },

  async "failed starts"(options: AppServerClientOptions) {
    const starts = [
      AppServerClient.start({ ...options, startTimeoutMs: 500 }),
      AppServerClient.start({ ...options, signal: AbortSignal.timeout(500) }),
      AppServerClient.start({ launch: { command: "/no/such/program" } }),
    ];
    return { codes: await codesOf(starts) };
  },
};

async function main(): Promise<void> {
  const [scenario, options] = process.argv.slice(2) as [keyof typeof scenarios, string];
  const warnings: string[] = [];
  process.on("warning", ({ name }) => warnings.push(name));
  const report = await scenarios[scenario](JSON.parse(options) as AppServerClientOptions);
  process.once("beforeExit", () => {
    process.stdout.write(JSON.stringify({ ...report, warnings }));
  });
}

function codesOf(promises: Promise<unknown>[]): Promise<string[]> {
  return Promise.all(
    promises.map((promise) =>
      promise.then(
        () => "ok",
        (error: unknown) => (isAppServerError(error) ? error.code : (error as Error).name),
      ),
    ),
  );
}

await main();
