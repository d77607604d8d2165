/**
 * A host under attack: `attacked-host.ts <server> <count> <attack>…`, run with a small heap,
 * `--expose-gc` and `--unhandled-rejections=strict`. It prints how it fared with each as JSON.
 */
import { AppServerClient } from "../../lib/client.js";
import { isAppServerError } from "../../lib/errors/base.js";

const MiB = 1_048_576;

async function main(): Promise<void> {
  const [server = "", count = "", ...attacks] = process.argv.slice(2);
  const reports: unknown[] = [];
  for (const attack of attacks) reports.push(await suffer([server, attack, count]));
  process.stdout.write(JSON.stringify(reports));
}

async function suffer(args: readonly string[]): Promise<unknown> {
  const errors = new Set<string>();
  let asked = 0;
  const ask = (): Promise<never> => {
    asked += 1;
    // Nobody ever answers, as when all people are asleep.
    return new Promise(() => undefined);
  };
  const client = await AppServerClient.start({
    launch: { command: process.execPath, args },
    maxMessageBytes: 8 * MiB,
    onApproval: ask,
    onUserInput: ask,
    logger: { error: (message) => errors.add(message) },
  });
  client.on("turn/started", () => undefined);
  const thread = await client.startThread();
  const before = heap();
  const outcome = await thread.run("Hi", { timeoutMs: 100_000 }).then(
    ({ status, items }) => ({ status, items: items.length }),
    (error: unknown) => (isAppServerError(error) ? { failed: error.code } : String(error)),
  );
  const answers = await client.request("account/read", {}).then(
    () => true,
    () => false,
  );
  // Whatever it still keeps, it keeps while the connection is there.
  const grownMiB = Math.round((heap() - before) / MiB);
  await client.close();
  const { kind, error } = await client.closed;
  const closed = error ? `${kind}: ${error.message}` : kind;
  return { outcome, answers, grownMiB, asked, errors: [...errors], polluted: pollution(), closed };
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
