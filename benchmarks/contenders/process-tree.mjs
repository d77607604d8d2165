import { readdir, readFile } from "node:fs/promises";

const everyMs = 25;

/**
 * Watches the memory of this process and of all below it (MiB), until the returned function is
 * called, which gives the peak. Shared pages count once: each process has its share (PSS). Linux only.
 */
export function watchMemory() {
  let peak = 0;
  let done = false;
  const watching = (async () => {
    while (!done) {
      peak = Math.max(peak, await treeMiB());
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return async () => {
    done = true;
    await watching;
    return peak;
  };
}

async function treeMiB() {
  const parents = new Map();
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name of the program, in brackets, may hold anything.
    parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2]));
  }
  const isOurs = (pid) => pid === process.pid || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  const shares = [...parents.keys()].filter(isOurs).map(async (pid) => {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
    return Number(/^Pss: +(\d+)/m.exec(rollup)?.[1] ?? 0) / 1_024;
  });
  return (await Promise.all(shares)).reduce((sum, share) => sum + share, 0);
}
