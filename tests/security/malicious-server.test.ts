import { beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const host = fileURLToPath(new URL("attacked-host.ts", import.meta.url));
const server = fileURLToPath(new URL("hostile-server.mjs", import.meta.url));

/** How many messages a flood has: if each left something behind, it would show. */
const count = 40_000;

interface Report {
  readonly outcome: unknown;
  readonly answers: boolean;
  readonly grownMiB: number;
  /** How often a handler was asked. */
  readonly asked: number;
  readonly errors: readonly string[];
  readonly polluted: readonly string[];
  readonly closed: string;
}

const floods = [
  "turns of ever new threads",
  "ever new turns",
  "ever new queues",
  "ever new file changes",
  "ever new limits",
  "ever new sub-agents",
  "ever new methods",
  "ever new statuses",
  "usage that is no number",
  "requests of unknown methods",
  "answers to nothing",
  "answers and events in turn",
  "resolved requests",
  "noise",
  "events before the answer",
];
const questions = ["requests that stay open", "requests of ever new threads"];
const monsters = ["what is nested 100,000 levels deep", "what is wide"];
const ends = ["an endless line", "questions without reading the answers"];
const reports = new Map<string, Report>();

// All on one host, one after the other: what one of them breaks, the next would notice.
beforeAll(async () => {
  const attacks = ["warming up", ...floods, ...questions, ...monsters, ...ends];
  const node = ["--max-old-space-size=192", "--expose-gc", "--unhandled-rejections=strict"];
  const args = [...node, "--import", "tsx", host, server, String(count), ...attacks];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  const end = { code: child.exitCode, signal: child.signalCode, stderr };
  expect(end).toEqual({ code: 0, signal: null, stderr: "" });
  for (const report of JSON.parse(stdout) as Report[]) {
    reports.set(attacks[reports.size] ?? "", report);
  }
}, 300_000);

/** How the host fared: as if nothing had happened, but for what is named. */
function expectUnharmed(attack: string, maxGrownMiB: number, but: Partial<Report> = {}): void {
  const { grownMiB = Infinity, ...report } = reports.get(attack) ?? {};
  expect(report).toEqual({
    outcome: { status: "completed", items: 0 },
    answers: true,
    asked: 0,
    errors: [],
    polluted: [],
    closed: "closed",
    ...but,
  });
  expect(grownMiB).toBeLessThan(maxGrownMiB);
}

test.each(floods)("a flood of %s leaves nothing behind", (attack) => {
  const items = attack === "ever new sub-agents" ? 1 : 0;
  expectUnharmed(attack, 9, { outcome: { status: "completed", items } });
});

test("of a flood of requests that stay open, 4,096 are asked, and the rest is refused", () => {
  expectUnharmed("requests that stay open", 80, { asked: 4_096 });
});

test("of a flood of requests of ever new threads, no more than that are, one after the other", () => {
  // Who is asked depends on whose sub-agent a thread is, and the server has to be asked for that.
  const asked = reports.get("requests of ever new threads")?.asked ?? Infinity;
  expect(asked).toBeLessThanOrEqual(4_096);
  expectUnharmed("requests of ever new threads", 80, { asked });
});

test("what is nested 100,000 levels deep is no harm, whatever message it is in", () => {
  // The one with a handler, and the item, are delivered as they are.
  const outcome = { status: "completed", items: 1 };
  expectUnharmed("what is nested 100,000 levels deep", 64, { asked: 1, outcome });
});

test("neither are huge lists, names, numbers and ids", () => {
  expectUnharmed("what is wide", 96);
});

test("a line that never ends is given up at the limit, as a failure of the connection", () => {
  expectUnharmed("an endless line", 16, {
    answers: false,
    outcome: { failed: "TRANSPORT_CLOSED" },
    closed:
      "failed: An incoming message is larger than 8388608 bytes. Raise maxMessageBytes if you expect that.",
  });
});

test("a server that asks and asks, and never reads the answers, is given up", () => {
  expectUnharmed("questions without reading the answers", 16, {
    answers: false,
    outcome: { failed: "TRANSPORT_CLOSED" },
    closed: "failed: the server asks and asks, and does not read the answers",
  });
});
