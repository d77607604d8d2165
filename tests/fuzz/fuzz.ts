import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { readCorpus, type CorpusEntry } from "./corpus.js";
import { minimise } from "./minimise.js";
import { mutate } from "./mutate.js";
import { Random } from "./random.js";
import { feed } from "./subject.js";

export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Gets a line now and then. */
  readonly report: (line: string) => void;
}

export interface Finding {
  readonly input: Buffer;
  readonly failure: string;
}

export interface FuzzResult {
  readonly executions: number;
  readonly bytes: number;
  readonly seconds: number;
  /** How many inputs are in the pool, the corpus included: each led to something of its own. */
  readonly pool: number;
  readonly peakHeapMiB: number;
  readonly finding: Finding | undefined;
}

/** Inputs that led to something new are mutated further, up to so many. */
const maxPool = 4_000;
const checkHeapEvery = 2_000;
/** How much the heap may grow while it works: the pool, and what the compiler keeps (MiB). */
const maxGrowthMiB = 96;

/** Replays the corpus, and then mutates it until the time is up or something does not hold. */
export async function fuzz({ seconds, seed, report }: FuzzOptions): Promise<FuzzResult> {
  const corpus = await readCorpus();
  const random = new Random(seed);
  const pool: Buffer[] = [];
  const traces = new Set<string>();
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1_000;
  const heap = new HeapWatch();
  let executions = 0;
  let bytes = 0;
  let nextReport = 10;

  /** The seed for an input is its own, so that it can be repeated without all those before it. */
  const attempt = async (input: Buffer): Promise<string | undefined> => {
    const { failure, trace } = await feed(input, new Random(input.length));
    executions += 1;
    bytes += input.length;
    if (failure === undefined && !traces.has(trace) && pool.length < maxPool) {
      traces.add(trace);
      pool.push(input);
    }
    return failure ?? (executions % checkHeapEvery === 0 ? heap.failure() : undefined);
  };
  const result = (finding?: Finding): FuzzResult => ({
    executions,
    bytes,
    seconds: elapsed(),
    pool: pool.length,
    peakHeapMiB: heap.peakMiB,
    finding,
  });

  for (const { name, bytes: input } of corpus) {
    const failure = await attempt(input);
    if (failure !== undefined) return result({ input, failure: `${name}: ${failure}` });
  }
  const seeds = corpus.map(toBytes);
  while (elapsed() < seconds) {
    const parent = random.pick(random.below(3) === 0 ? seeds : pool) ?? Buffer.alloc(0);
    const input = mutate(parent, random.below(2) === 0 ? seeds : pool, random);
    const failure = await attempt(input);
    if (failure !== undefined) {
      const fails = async (candidate: Buffer) => (await attempt(candidate)) !== undefined;
      return result({ input: await minimise(input, fails), failure });
    }
    if (elapsed() > nextReport) {
      report(`${Math.round(elapsed())} s: ${executions} executions, pool of ${pool.length}`);
      nextReport += 10;
    }
  }
  const failure = heap.failure();
  return result(failure === undefined ? undefined : { input: Buffer.alloc(0), failure });
}

/** Notices when each input leaves something behind. */
class HeapWatch {
  readonly #collect: () => void;
  #first: number | undefined;
  peakMiB = 0;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc") as () => void;
  }

  failure(): string | undefined {
    this.#collect();
    const used = Math.round(process.memoryUsage().heapUsed / 1_048_576);
    this.#first ??= used;
    this.peakMiB = Math.max(this.peakMiB, used);
    if (used - this.#first <= maxGrowthMiB) return undefined;
    return `the heap has grown from ${this.#first} to ${used} MiB`;
  }
}

function toBytes({ bytes }: CorpusEntry): Buffer {
  return bytes;
}
