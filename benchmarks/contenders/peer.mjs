// node peer.mjs <bare|ours|peer> <first|later|twenty|ten|memory> <library>
import { measure, measureEach } from "./measure.mjs";
import { watchMemory } from "./process-tree.mjs";
import { command, config, env } from "./server-options.mjs";

const [who, shape, library] = process.argv.slice(2);
const text = "Why does the build fail?";

/** Each starts, and gives what makes a thread: a function that runs a turn on it. */
const starts = {
  async bare() {
    const { BareTurns } = await import("./bare-turns.mjs");
    return async () => {
      const client = await BareTurns.start();
      const startThread = async () => {
        const thread = await client.startThread();
        return () => client.run(thread, text);
      };
      return { startThread, close: () => client.close() };
    };
  },
  async ours() {
    const { Codex } = await import(library);
    return async () => {
      const codex = new Codex({ config, env });
      const startThread = async () => {
        const thread = await codex.startThread();
        return () => thread.run(text);
      };
      return { startThread, close: () => codex.close() };
    };
  },
  async peer() {
    const { Codex } = await import("../peers/node_modules/@openai/codex-sdk/dist/index.js");
    return async () => {
      const codex = new Codex({ codexPathOverride: command, config, env });
      const startThread = async () => {
        const thread = codex.startThread({ skipGitRepoCheck: true });
        return () => thread.run(text);
      };
      return { startThread, close: async () => undefined };
    };
  },
};

const start = await starts[who]();
let client;

async function runTurns(count) {
  const run = await client.startThread();
  for (let done = 0; done < count; done += 1) await run();
}

async function tenThreads() {
  client = await start();
  await Promise.all(Array.from({ length: 10 }, () => runTurns(1)));
}

const shapes = {
  first: () =>
    measure(async () => {
      client = await start();
      await runTurns(1);
    }),
  later: async () => {
    client = await start();
    const run = await client.startThread();
    await run();
    await measureEach(20, run);
  },
  twenty: () =>
    measure(async () => {
      client = await start();
      await runTurns(20);
    }),
  ten: () => measure(tenThreads),
  memory: () =>
    measure(async () => {
      const peak = watchMemory();
      await tenThreads();
      return { treeMiB: await peak() };
    }),
};
await shapes[shape]();
await client.close();
