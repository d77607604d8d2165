import { readdir, readFile } from "node:fs/promises";

/** The memory of all servers of this process. PSS counts a page that several have in common once. */
export interface Memory {
  readonly count: number;
  readonly rssMiB: number;
  readonly pssMiB: number;
}

export async function memoryOfServers(): Promise<Memory> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const rows = (await Promise.all(pids.map(memoryOf))).filter((row) => row !== undefined);
  const sum = (of: "rss" | "pss"): number => rows.reduce((all, row) => all + row[of], 0) / 1_024;
  return { count: rows.length, rssMiB: sum("rss"), pssMiB: sum("pss") };
}

/** In KiB; undefined for what is no server of this process, or has ended. */
async function memoryOf(pid: string): Promise<{ rss: number; pss: number } | undefined> {
  const read = (file: string): Promise<string> =>
    readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
  const stat = await read("stat");
  const [, name = "", parent = ""] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
  if (!name.endsWith("codex") || Number(parent) !== process.pid) return undefined;
  const rollup = await read("smaps_rollup");
  const field = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(rollup)?.[1] ?? 0);
  return { rss: field("Rss"), pss: field("Pss") };
}
