import { allowed, type CensusKey } from "./census.js";
import type { SoakReport } from "./run-soak.js";

/** One table for one soak; with `markdown`, as it stands in docs/reliability.md. */
export function formatSoak(title: string, report: SoakReport): string {
  const { turns, threads, seconds, start, half, end, grown } = report;
  const rows = (Object.keys(allowed) as CensusKey[]).map((key) => [
    key,
    ...[start[key], half[key], end[key]].map(String),
    `+${allowed[key]}`,
    grown.includes(key) ? "grown" : "ok",
  ]);
  const head = ["", "after the warm-up", "halfway", "at the end", "allowed", ""];
  const widths = head.map((name, at) =>
    Math.max(3, name.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, at) =>
    at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  const summary = `${title}: ${turns.toLocaleString("en")} turns on ${threads.toLocaleString("en")} threads in ${seconds.toFixed(0)} s`;
  return [summary, "", line(head), line(rule), ...rows.map(line)].join("\n");
}
