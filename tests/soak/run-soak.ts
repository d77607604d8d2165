import { AppServerClient, defineTool, type AppServerClientOptions } from "../../lib/index.js";
import { takeCensus, type Census } from "./census.js";
import { measure, type Measured } from "./measure.js";
import { ways } from "./ways.js";

export interface SoakOptions {
  /** How to start the server. */
  readonly client: AppServerClientOptions;
  /** How many turns there are after the warm-up. */
  readonly turns: number;
  /** How many threads have a turn at any moment. */
  readonly parallel: number;
  /** Keeps what should go, to see that it is noticed. */
  readonly leak?: boolean;
}

export interface SoakReport extends Measured {
  readonly threads: number;
  /** How many turns went each way. */
  readonly ways: Readonly<Record<string, number>>;
}

/** After so many turns a thread is let go of, and another one started. */
const turnsPerThread = 10;

/** Runs turns of all ways on one client, and counts what is left before, halfway and after. */
export async function runSoak({
  client: options,
  turns,
  parallel,
  leak = false,
}: SoakOptions): Promise<SoakReport> {
  const { signal } = new AbortController();
  const client = await AppServerClient.start(options);
  const taken = new Map<string, number>();
  let [begun, threads] = [0, 0];
  const kept: unknown[] = [];

  const look = defineTool({
    name: "look",
    description: "Looks.",
    input: { type: "object", properties: {}, additionalProperties: false },
    execute: () => "nothing",
  });
  const work = async (until: number): Promise<void> => {
    while (begun < until) {
      const thread = await client.startThread({ tools: [look], approvalPolicy: "untrusted" });
      threads += 1;
      for (let left = turnsPerThread; left > 0 && begun < until; left -= 1) {
        const [name, go] = wayOf(begun);
        begun += 1;
        taken.set(name, (taken.get(name) ?? 0) + 1);
        await go({ client, thread, signal }).catch((error: unknown) => {
          throw new Error(`A turn that was to be "${name}" went wrong.`, { cause: error });
        });
      }
      if (leak) kept.push((await client.startThread()).turn("hang", { signal }));
      // What was left to itself ends before this one begins.
      await thread.run("say", { signal });
      await client.request("thread/unsubscribe", { threadId: thread.id });
    }
  };
  const workUntil = async (until: number): Promise<Census> => {
    await Promise.all(Array.from({ length: parallel }, () => work(until)));
    return takeCensus(client, signal);
  };

  try {
    const measured = await measure(turns, Object.keys(ways).length * parallel, workUntil);
    return { ...measured, threads, ways: Object.fromEntries(taken) };
  } finally {
    await client.close();
  }
}

function wayOf(turn: number): [string, (typeof ways)[string]] {
  const entries = Object.entries(ways);
  return entries[turn % entries.length] as [string, (typeof ways)[string]];
}
