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
