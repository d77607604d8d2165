/**
 * What it costs that turns and requests can be looked at: with nobody who does, with a function that listens to every
 * channel, and with OpenTelemetry. Other builds of the package are measured in turn with this one, so that a busy
 * machine hits both alike; what counts is the CPU time of the client's process.
 *
 *   npm run bench:telemetry -- [--rounds 11] [--against <index.js of another build>] [--only <text>]
 */
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { compileProgram } from "../../tests/support/compile-program.js";
import { runFresh, type Contender } from "../fresh-process.js";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "11" },
    against: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const { against } = flags;
const rounds = Number(flags.rounds);
const program = await compileProgram(new URL("../scripted-server.ts", import.meta.url));
const server = (deltas: number): string[] => [process.execPath, program, String(deltas), "0"];
const library = "codex-app-server-sdk";

interface Work {
  readonly title: string;
  readonly operations: number;
  readonly script: string;
  readonly args: (library: string) => readonly string[];
}

const works: readonly Work[] = [
  {
    ...{ title: "a text delta, of 300,000 in a turn", operations: 300_000 },
    ...{ script: "turn-ours.mjs", args: (from) => [from, "stream", ...server(300_000)] },
  },
  {
    ...{ title: "a request, 20,000 of them, 64 at a time", operations: 20_000 },
    script: "requests-ours.mjs",
    args: (from) => [from, "once", "thread/loaded/list", "20000", "64", ...server(0)],
  },
  {
    ...{ title: "a turn of one message with ten deltas, 3,000 of them", operations: 3_000 },
    ...{ script: "turns-ours.mjs", args: (from) => [from, "3000", ...server(10)] },
  },
];

console.log(
  "CPU time of the client (µs), the median of the rounds; in brackets compared with the first line",
);
for (const work of works.filter(({ title }) => title.includes(flags.only))) {
  const contender = (who: string, from: string): Contender => {
    const args = [who, work.script, ...work.args(from)];
    return { name: who, script: "subscribed.mjs", args };
  };
  const contenders: [string, Contender][] = [
    ["nobody listens", contender("nobody", library)],
    ...(against === undefined
      ? []
      : ([["other build", contender("nobody", pathToFileURL(against).href)]] as [
          string,
          Contender,
        ][])),
    ["nobody, in an AsyncLocalStorage", contender("storage", library)],
    ["a function on every channel", contender("channels", library)],
    ["instrument(), OpenTelemetry's SDK", contender("telemetry", library)],
  ];
  const costs = contenders.map((): number[] => []);
  const surroundings = { env: {}, home: process.cwd() };
  for (let round = 0; round < rounds; round += 1) {
    // Every other round goes backwards: none is always the first.
    const order = [...contenders.keys()];
    if (round % 2 === 1) order.reverse();
    for (const index of order) {
      const [, one] = contenders[index] ?? [];
      if (one) costs[index]?.push((await runFresh(one, surroundings)).cpuMs);
    }
  }
  console.log(`\n${work.title}`);
  const [first = []] = costs;
  for (const [index, [name]] of contenders.entries()) {
    const own = costs[index] ?? [];
    const each = (median(own) * 1_000) / work.operations;
    const ratio = median(own.map((ms, round) => ms / (first[round] ?? ms)));
    console.log(`  ${name.padEnd(36)}${each.toFixed(2).padStart(9)}   (${ratio.toFixed(2)})`);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? NaN;
}
