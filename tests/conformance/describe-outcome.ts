import type { Outcome } from "./scenario.js";

/** What became of a scenario, for a table: of outcomes that are alike, one for all. */
export function describeOutcomes(outcomes: readonly Outcome[]): string {
  const all = outcomes.map(describe).filter((text) => text !== "");
  return [...new Set(all)].join("; ");
}

function describe({ error, status, finalResponse, text, kind, exitCode, signal }: Outcome): string {
  if (error) {
    const { name = "", reason, cause } = error;
    const why = reason ?? cause ?? howItEnded(error);
    return why === undefined || why === "" ? name : `${name} (${why})`;
  }
  if (kind !== undefined) {
    const how = howItEnded({ exitCode, signal });
    return how === undefined ? `connection ${kind}` : `connection ${kind}, ${how}`;
  }
  const said = finalResponse ?? text;
  if (status !== undefined)
    return said === undefined || said === "" ? status : `${status}: “${printable(said)}”`;
  return "";
}

function howItEnded({
  exitCode,
  signal,
}: {
  readonly exitCode?: number | null | undefined;
  readonly signal?: string | null | undefined;
}): string | undefined {
  if (typeof signal === "string") return signal;
  return typeof exitCode === "number" ? `exit code ${exitCode}` : undefined;
}

/** Only what has the same width everywhere; a table is to look the same wherever it is made. */
function printable(text: string): string {
  return text.replace(/[^ -_a-{}~\u00a1-\u024f…]/gu, (character) => {
    const digits = (character.codePointAt(0) ?? 0).toString(16).padStart(4, "0");
    return `{U+${digits.toUpperCase()}}`;
  });
}
