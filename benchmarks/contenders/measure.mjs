import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Runs what a contender does, and prints its cost for the parent: wall-clock and CPU time of
 * `work`, the peak memory of the process, and what `work` returned, for checking.
 */
export async function measure(work) {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const check = await work();
  const ms = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  const cpuMs = (cpu.user + cpu.system) / 1_000;
  const peakMiB = process.resourceUsage().maxRSS / 1_024;
  console.log(JSON.stringify({ ms, cpuMs, peakMiB, ...check }));
}

/** Does `work` `count` times; so that one hiccup does not count, each time counts as the median. */
export function measureEach(count, work) {
  return measure(async () => {
    const times = [];
    for (let done = 0; done < count; done += 1) {
      const start = performance.now();
      await work();
      times.push(performance.now() - start);
    }
    times.sort((left, right) => left - right);
    return { ms: count * times[Math.floor(count / 2)] };
  });
}

/**
 * Collects all garbage, as has happened in every process that has run for a while. Collecting costs more from
 * then on: the old tables of a Map that has grown old keep what it has lost since, until the next time.
 */
export function collectGarbage() {
  setFlagsFromString("--expose_gc");
  runInNewContext("gc")();
}

/** What `count` things need of the heap, once they are made and all else is collected. */
export function measureHeap(count, make) {
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed / 1_024;
  };
  return measure(async () => {
    // The code is compiled, and what there is one of is there.
    const made = Array(count + 100);
    for (let index = 0; index < 100; index += 1) made[index] = await make();
    const before = used();
    for (let index = 100; index < made.length; index += 1) made[index] = await make();
    return { heapKiB: used() - before, messages: made.length - 100 };
  });
}

/** Counts deltas, and looks into each, so that no parser can get away with doing less. */
export class DeltaCounter {
  messages = 0;
  characters = 0;

  add({ method, params }) {
    if (method !== "item/agentMessage/delta") return;
    this.messages += 1;
    this.characters += params.delta.length;
  }
}
