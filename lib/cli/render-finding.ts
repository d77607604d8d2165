import type { Finding, FindingStatus } from "../doctor/finding.js";

/** SGR codes of the colours. */
const colours: Readonly<Record<FindingStatus, number>> = {
  ok: 32,
  warning: 33,
  failure: 31,
  skipped: 90,
};
const statusWidth = "warning  ".length;
const nameWidth = "configuration  ".length;

/** Makes lines for people: a line for a finding, and one for its cure. */
export function findingRenderer(inColour: boolean): (finding: Finding) => string {
  const paint = (text: string, status: FindingStatus): string =>
    inColour ? `\x1b[${colours[status]}m${text}\x1b[0m` : text;
  return ({ name, status, says, cure }) => {
    const shown = paint(status.padEnd(statusWidth), status);
    const line = `${shown}${name.padEnd(nameWidth)}${oneLine(says)}`;
    return cure === undefined
      ? line
      : `${line}\n${" ".repeat(statusWidth + nameWidth)}${oneLine(cure)}`;
  };
}

/** The last line. */
export function summaryOf(findings: readonly Finding[]): string {
  const count = (wanted: FindingStatus) =>
    findings.filter(({ status }) => status === wanted).length;
  const failures = count("failure");
  const warnings = count("warning");
  const told = warnings === 0 ? "" : ` Warnings: ${warnings}.`;
  return failures === 0 ? `\nNothing would fail.${told}` : `\nFailures: ${failures}.${told}`;
}

/** Whether colours are wanted: not in a file or a pipe, and not where NO_COLOR says so. */
export function usesColours(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** What a server says must not move the cursor, nor colour anything. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\x00-\x1f\x7f-\x9f]+/g, " ");
}
