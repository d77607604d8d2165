import type { Result } from "./run-scenario.js";
import type { Scenario, Target, Unit } from "./scenario.js";

/** One Markdown table for all scenarios; `baseline` is what the factors refer to. */
export function formatTable(
  measured: readonly (readonly [Scenario, readonly Result[]])[],
  baseline = "bare",
): string {
  const factor = `× ${baseline}`;
  const hasTargets = measured.some(([{ targets }]) => targets !== undefined);
  const columns = ["", "figure", factor, "CPU", factor, "peak MiB"];
  if (hasTargets) columns.push("target");
  const rows = measured.flatMap(([scenario, results]) => [
    [`**${scenario.title}**`, ...columns.slice(1).map(() => "")],
    ...results.map((result) => [
      result.contender,
      quantity(result.figure, scenario.unit),
      result.ratio.toFixed(2),
      quantity(result.cpu, scenario.unit === "µs" ? "µs" : "ms"),
      result.cpuRatio.toFixed(2),
      result.peakMiB.toFixed(0),
      ...(hasTargets ? [verdict(result, scenario.targets?.[result.contender], scenario.unit)] : []),
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

function verdict(result: Result, target: Target | undefined, unit: Unit): string {
  if (!target) return "";
  const [limit, reached] =
    "timesBaseline" in target
      ? [`≤ ${target.timesBaseline} ×`, result.ratio <= target.timesBaseline]
      : "overBaseline" in target
        ? [`≤ ${target.overBaseline} ${unit} more`, result.difference <= target.overBaseline]
        : [`≤ ${target.atMost} ${unit}`, result.figure <= target.atMost];
  return `${limit}: ${reached ? "holds" : "MISSED"}`;
}

function quantity(value: number, unit: Unit): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ${unit}`;
}
