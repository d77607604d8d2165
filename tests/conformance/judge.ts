import type { Message } from "../support/scripted-server.js";
import type { Report, Scenario } from "./scenario.js";

/** What is known of a scenario that was run, besides what the host has reported. */
export interface Facts {
  /** Why there is no report: the host ended, or did not come to an end in time. */
  readonly broken?: string;
  readonly report?: Report;
  /** What the server has read, in order. */
  readonly received: readonly Message[];
  /** How many of the server's processes are left. */
  readonly alive: number;
}

/** How long a scenario may take where it does not say so itself (ms). */
export const usualLimitMs = 15_000;

/** What is wrong; nothing when the client did what it must. */
export function judge({ expect }: Scenario, facts: Facts): string[] {
  const { report, received } = facts;
  const left = expect.leaves ?? 0;
  const problems = [
    ...(facts.broken === undefined ? [] : [facts.broken]),
    ...(facts.alive === left ? [] : [`${facts.alive} processes are left instead of ${left}`]),
  ];
  if (!report) return problems;
  const limitMs = expect.withinMs ?? usualLimitMs;
  if (report.ms > limitMs) problems.push(`it took ${report.ms} ms instead of at most ${limitMs}`);
  for (const kind of report.left) problems.push(`${kind} left open`);
  for (const name of report.warnings) problems.push(`Node.js gave a ${name}`);
  problems.push(...differences(expect.outcomes, report.outcomes, "outcomes"));
  if (expect.answers) {
    const answers = received.filter(({ method }) => method === undefined);
    problems.push(...differences(expect.answers, answers, "answers"));
  }
  if (expect.received) {
    const wanted = new Set(expect.received);
    const methods = received.map(({ method }) => method ?? "(answer)");
    problems.push(
      ...differences(
        expect.received,
        methods.filter((method) => wanted.has(method)),
        "received",
      ),
    );
  }
  for (const method of expect.neverReceived ?? []) {
    if (received.some((message) => message.method === method)) problems.push(`${method} was sent`);
  }
  if (expect.sent) {
    const last = received.findLast(({ method }) => method === expect.sent?.method);
    problems.push(...differences(expect.sent.params, last?.params, expect.sent.method));
  }
  return problems;
}

/** Where `actual` lacks what `expected` names; more members than those do not matter. */
function differences(expected: unknown, actual: unknown, path: string): string[] {
  if (!isObject(expected) || !isObject(actual)) {
    return Object.is(expected, actual)
      ? []
      : [`${path} is ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`];
  }
  const problems = Object.entries(expected).flatMap(([key, value]) =>
    differences(value, (actual as Record<string, unknown>)[key], `${path}.${key}`),
  );
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length !== actual.length) {
    problems.push(
      `${path} has ${actual.length} entries instead of ${expected.length}: ${JSON.stringify(actual)}`,
    );
  }
  return problems;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
