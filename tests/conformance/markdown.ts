import { existsSync } from "node:fs";
import path from "node:path";
import { areas } from "./areas.js";
import { describeOutcomes } from "./describe-outcome.js";
import type { Scenario } from "./scenario.js";

const begin = "<!-- conformance table: npm run conformance -- --write -->";
const end = "<!-- end of the conformance table -->";

/** All scenarios as Markdown, one table for each area. */
export function conformanceTable(): string {
  return Object.entries(areas)
    .map(([area, scenarios]) => `### ${area}\n\n${tableOf(scenarios)}`)
    .join("\n\n");
}

/** The document with its table replaced by the one of today. */
export function withTable(document: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the document has no “${begin}” … “${end}”`);
  const before = document.slice(0, from + begin.length);
  return `${before}\n\n${conformanceTable()}\n\n${document.slice(to)}`;
}

/** The files that the document links to and that are not there. */
export function missingFiles(document: string, directory: string): string[] {
  const links = [...document.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target]) => target ?? "");
  return [...new Set(links)].filter((target) => !existsSync(path.resolve(directory, target)));
}

function tableOf(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ name, server, client, expect }) => [
    name,
    server,
    client,
    describeOutcomes(expect.outcomes) || "goes on",
  ]);
  const head = ["Scenario", "The server", "A client must", "Ours"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
