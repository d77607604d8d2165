/**
 * A host under attack: `attacked-host.ts <way> <server> <count> <attack>…`, run with a small heap,
 * `--expose-gc` and `--unhandled-rejections=strict`. It prints how it fared with each as JSON. The way
 * to the server is `stdio`, `stream of your own` or `socket`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { AppServerClient } from "../../lib/client.js";
import type { ConnectOptions } from "../../lib/options/connect-options.js";
import { isAppServerError } from "../../lib/errors/base.js";

const MiB = 1_048_576;

async function main(): Promise<void> {
  const [way = "", server = "", count = "", ...attacks] = process.argv.slice(2);
  const reports: unknown[] = [];
  for (const attack of attacks) reports.push(await suffer(way, [server, attack, count]));
  process.stdout.write(JSON.stringify(reports));
}

async function suffer(way: string, args: readonly string[]): Promise<unknown> {
  const errors = new Set<string>();
  let asked = 0;
  const ask = (): Promise<never> => {
    asked += 1;
    // Nobody ever answers, as when all people are asleep.
    return new Promise(() => undefined);
  };
  const client = await open(way, args, {
    maxMessageBytes: 8 * MiB,
    onApproval: ask,
    onUserInput: ask,
    logger: { error: (message) => errors.add(message) },
  });
  client.on("turn/started", () => undefined);
  const thread = await client.startThread();
  const before = heap();
  let events = 0;
  let readAheadMiB = 0;
  // What waits to be read lies outside of the heap, whose limit it would never reach.
  const stop = client.on("account/updated", () => {
    if ((events += 1) % 2_000 !== 0) return;
    globalThis.gc?.();
    readAheadMiB = Math.max(readAheadMiB, process.memoryUsage().arrayBuffers / MiB);
  });
  const outcome = await thread.run("Hi", { timeoutMs: 100_000 }).then(
    ({ status, items }) => ({ status, items: items.length }),
    (error: unknown) => (isAppServerError(error) ? { failed: error.code } : String(error)),
  );
  const answers = await client.request("account/read", {}).then(
    () => true,
    () => false,
  );
  stop();
  // Whatever it still keeps, it keeps while the connection is there.
  const grownMiB = Math.round((heap() - before) / MiB);
  await client.close();
  const { kind, error } = await client.closed;
  const closed = error ? `${kind}: ${error.message}` : kind;
  return {
    outcome,
    answers,
    grownMiB,
    readAheadMiB: Math.round(readAheadMiB),
    asked,
    errors: [...errors],
    polluted: pollution(),
    closed,
  };
}

async function open(
  way: string,
  args: readonly string[],
  options: Omit<ConnectOptions, "reconnect">,
): Promise<AppServerClient> {
  if (way === "stdio") {
    return AppServerClient.start({ launch: { command: process.execPath, args }, ...options });
  }
  const more = way === "socket" ? ["listen"] : [];
  const server = spawn(process.execPath, [...args, ...more], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (way === "stream of your own") {
    const transport = { readable: server.stdout, writable: server.stdin };
    return AppServerClient.connect({ transport }, options);
  }
  const [url] = (await once(server.stdout, "data")) as [Buffer];
  return AppServerClient.connect(url.toString().trim(), { ...options, reconnect: false });
}

function heap(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What objects have that they should not have. */
function pollution(): string[] {
  const found: string[] = [];
  for (const key in {}) found.push(key);
  return [...found, ...Object.keys(Object.prototype), ...Object.keys(Array.prototype)];
}

await main();
