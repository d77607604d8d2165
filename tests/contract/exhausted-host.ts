/**
 * A host process that runs out of file descriptors: `exhausted-host.ts <scenario> <options>`, run
 * with a low `ulimit -n` and `--unhandled-rejections=strict`. It prints what happened as JSON.
 */
import { closeSync, openSync } from "node:fs";
import { AppServerClient } from "../../lib/client.js";
import { Codex } from "../../lib/codex.js";
import { isAppServerError } from "../../lib/errors/base.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";

/** Takes every descriptor that is free, but for so many. Returns what gives them back. */
function takeAllBut(left: number): () => void {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // There is none left.
  }
  for (const descriptor of taken.splice(0, left)) closeSync(descriptor);
  return () => {
    taken.splice(0).forEach((descriptor) => {
      closeSync(descriptor);
    });
  };
}

async function outcomeOf(promise: Promise<AppServerClient>): Promise<string> {
  try {
    const client = await promise;
    await client.close();
    return "ok";
  } catch (error) {
    return isAppServerError(error) ? `${error.code}: ${error.message}` : String(error);
  }
}

const scenarios = {
  /** Starts with nothing left, and with ever a little more. */
  async starts(options: AppServerClientOptions) {
    const outcomes: string[] = [];
    for (let left = 0; left <= 12; left += 1) {
      const giveBack = takeAllBut(left);
      outcomes.push(await outcomeOf(AppServerClient.start(options)));
      giveBack();
    }
    return { outcomes, after: await outcomeOf(AppServerClient.start(options)) };
  },

  /** The server is lost, and cannot be replaced for a while. */
  async restart(options: AppServerClientOptions) {
    const codex = new Codex(options);
    const client = await codex.client();
    const giveBack = takeAllBut(0);
    await client.request("config/read", {}).catch(() => undefined);
    await client.closed;
    const outcomes = [await outcomeOf(codex.client()), await outcomeOf(codex.client())];
    giveBack();
    const after = await outcomeOf(codex.client());
    await codex.close();
    return { outcomes, after };
  },

  /** Connects for the first time; `ws` has to be loaded. */
  async connects({ url }: { url: string }) {
    const outcomes: string[] = [];
    for (let left = 0; left <= 2; left += 1) {
      const giveBack = takeAllBut(left);
      outcomes.push(await outcomeOf(AppServerClient.connect(url)));
      giveBack();
    }
    return { outcomes, after: await outcomeOf(AppServerClient.connect(url)) };
  },
};

async function main(): Promise<void> {
  const [scenario, options] = process.argv.slice(2) as [keyof typeof scenarios, string];
  const report = await scenarios[scenario](JSON.parse(options) as { url: string });
  process.once("beforeExit", () => {
    process.stdout.write(JSON.stringify(report));
  });
}

await main();
