import type { Result } from "./run-scenario.js";
import type { Scenario } from "./scenarios.js";

const columns = ["", "time", "× bare", "CPU", "× bare", "peak MiB"];

/** One Markdown table for all scenarios. */
export function formatTable(measured: readonly (readonly [Scenario, readonly Result[]])[]): string {
  const rows = measured.flatMap(([scenario, results]) => [
    [`**${scenario.title}**`, "", "", "", "", ""],
    ...results.map((result) => [
      result.contender,
      quantity(result.time, scenario.unit),
      result.ratio.toFixed(2),
      quantity(result.cpu, scenario.unit),
      result.cpuRatio.toFixed(2),
      result.peakMiB.toFixed(0),
    ]),
  ]);
  const widths = columns.map((title, column) =>
    Math.max(...[columns, ...rows].map((row) => row[column]?.length ?? 0), title.length),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(" | ")} |`;
  const rule = widths.map((width, column) => "-".repeat(width - 1) + (column === 0 ? "-" : ":"));
  return [line(columns), line(rule), ...rows.map(line)].join("\n");
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function quantity(value: number, unit: string): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ${unit}`;
}
