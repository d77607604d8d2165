import { beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { compileProgram } from "../support/compile-program.js";

const host = await compileProgram(new URL("attacked-host.ts", import.meta.url));
const server = await compileProgram(new URL("hostile-server.ts", import.meta.url));

/** How many messages a flood has: if each left something behind, it would show. */
const count = 40_000;

interface Report {
  readonly outcome: unknown;
  readonly answers: boolean;
  readonly grownMiB: number;
  /** How much had been received at any time, and not been read (MiB, roughly). */
  readonly readAheadMiB: number;
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
  "answers and long events in turn",
  "resolved requests",
  "noise",
  "events before the answer",
];
/** Those that have to do with how fast they come: the way to the server matters to them. */
const fast = [
  "ever new methods",
  "requests of unknown methods",
  "answers to nothing",
  "answers and events in turn",
  "answers and long events in turn",
];
const questions = ["requests that stay open", "requests of ever new threads"];
const monsters = ["what is nested 100,000 levels deep", "what is wide"];
const ends = ["an endless line", "questions without reading the answers"];
const reports = new Map<string, Report>();

// The attacks of one way share a host, one after the other: what one of them breaks, the next would notice.
beforeAll(async () => {
  await Promise.all([
    attack("stdio", [...floods, ...questions, ...monsters, ...ends]),
    attack("stream of your own", fast),
    attack("socket", fast),
  ]);
}, 600_000);

async function attack(way: string, attacks: readonly string[]): Promise<void> {
  const node = ["--max-old-space-size=192", "--expose-gc", "--unhandled-rejections=strict"];
  const all = ["warming up", ...attacks];
  const args = [...node, host, way, server, String(count), ...all];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  const end = { code: child.exitCode, signal: child.signalCode, stderr };
  expect(end).toEqual({ code: 0, signal: null, stderr: "" });
  for (const [index, report] of (JSON.parse(stdout) as Report[]).entries()) {
    reports.set(`${all[index] ?? ""} over ${way}`, report);
  }
}

/** How the host fared: as if nothing had happened, but for what is named. */
function expectUnharmed(
  attack: string,
  maxGrownMiB: number,
  but: Partial<Report> = {},
  way = "stdio",
): void {
  const {
    grownMiB = Infinity,
    readAheadMiB = Infinity,
    ...report
  } = reports.get(`${attack} over ${way}`) ?? {};
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
  // A socket may receive 16 MiB ahead, and the pieces that these came in are kept as a whole.
  expect(readAheadMiB).toBeLessThan(way === "socket" ? 48 : 16);
}

test.each(floods)("a flood of %s leaves nothing behind", (attack) => {
  const items = attack === "ever new sub-agents" ? 1 : 0;
  expectUnharmed(attack, 9, { outcome: { status: "completed", items } });
});

test.each(
  ["stream of your own", "socket"].flatMap((way) => fast.map((attack) => [way, attack] as const)),
)("over a %s, neither does a flood of %s", (way, attack) => {
  // Of a socket, what was made room for once is kept: 8 MiB, of however many messages.
  expectUnharmed(attack, way === "socket" ? 16 : 9, {}, way);
});

test("of a flood of requests that stay open, 4,096 are asked, and the rest is refused", () => {
  expectUnharmed("requests that stay open", 80, { asked: 4_096 });
});

test("of a flood of requests of ever new threads, no more than that are, one after the other", () => {
  // Who is asked depends on whose sub-agent a thread is, and the server has to be asked for that.
  const asked = reports.get("requests of ever new threads over stdio")?.asked ?? Infinity;
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
    closed: "failed: the server sends requests without end, and does not read the answers",
  });
});
