import { isReal } from "./choose-test.js";
import type { MessageKind, Method } from "./protocol.js";

/** One method, how the library offers it, and the test file that stands for it. */
export interface CoverageRow extends Method {
  /** Expressions such as `thread.setName()`. */
  readonly offers: readonly string[];
  readonly test: string | undefined;
  /** Why no real test touches it. */
  readonly reason: string | undefined;
}

const headings: readonly [MessageKind, string][] = [
  ["clientRequests", "Client requests"],
  ["clientNotifications", "Client notifications"],
  ["serverRequests", "Server requests"],
  ["serverNotifications", "Server notifications"],
];

/** The text of docs/coverage.md. */
export function renderCoverage(rows: readonly CoverageRow[]): string {
  const notReal = rows.filter(({ test }) => !isReal(test));
  const parts = [
    "# Protocol coverage",
    about,
    table(
      ["kind", "methods", "experimental", "touched by a real test", "by any test"],
      [
        ...headings.map(([kind, heading]) =>
          counts(
            heading,
            rows.filter((row) => row.kind === kind),
          ),
        ),
      ],
    ),
    ...headings.flatMap(([kind, heading]) => [
      `## ${heading}`,
      table(["method", "offered as", "test"], rows.filter((row) => row.kind === kind).map(cells)),
    ]),
    "## Not touched by a real test",
    notReal.length === 0
      ? "Nothing."
      : table(
          ["method", "why"],
          notReal.map(({ method, reason = "" }) => [code(method), reason]),
        ),
  ];
  return `${parts.join("\n\n")}\n`;
}

const about = `Made by \`npm run coverage\` after \`npm test\` and \`npm run test:long\`; do not edit. Both note which
methods each test file touches: a request when the server has answered it, everything else when it
arrives or is sent. For each method one file is named; \`tests/real\` runs the real app-server,
\`tests/contract\` a scripted server in a process of its own, \`tests/unit\` one in the same process.

Every client request can also be called as \`client.rpc.…\` and with \`client.request()\`, every
notification is also seen by \`client.on()\` and \`client.notifications()\`, and every server request
can be answered by \`client.handle()\`. \`codex\` stands for a \`Codex\` and for an \`AppServerClient\`
where both have the method. Experimental methods are marked with a star.`;

/** The test file that a coverage table names for each method, by kind and method. */
export function readCoverage(text: string): Map<string, string | undefined> {
  const named = new Map<string, string | undefined>();
  let kind: MessageKind | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("## ")) {
      kind = headings.find(([, heading]) => line === `## ${heading}`)?.[0];
    }
    const [, method, , test] = line.split("|").map((cell) => /`([^`]+)`/.exec(cell)?.[1]);
    if (kind && method !== undefined) named.set(keyOf({ kind, method }), test);
  }
  return named;
}

export function keyOf({ kind, method }: Pick<Method, "kind" | "method">): string {
  return `${kind} ${method}`;
}

function cells({ method, experimental, offers, test }: CoverageRow): string[] {
  const star = experimental ? " \\*" : "";
  return [`${code(method)}${star}`, offers.map(code).join(", "), test ? code(test) : "none"];
}

function counts(heading: string, rows: readonly CoverageRow[]): string[] {
  const tested = rows.filter(({ test }) => test !== undefined);
  const real = tested.filter(({ test }) => isReal(test));
  const experimental = rows.filter((row) => row.experimental);
  return [heading, ...[rows, experimental, real, tested].map(({ length }) => `${length}`)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}
