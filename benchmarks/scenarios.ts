import { pathToFileURL } from "node:url";
import { compileProgram } from "../tests/support/compile-program.js";
import { nativeCodexPath } from "../tests/support/raw-client.js";
import type { Contender } from "./fresh-process.js";
import type { Scenario } from "./scenario.js";

export interface ScenarioOptions {
  /** Fewer messages and rounds: for a first look, not for a report. */
  readonly quick: boolean;
  /** What contenders import: the built package, by its own name. */
  readonly library: string;
  /** The `index.js` of another build of this package, to be measured beside it. */
  readonly against?: string | undefined;
}

/** Requests of one method, `parallel` at a time. */
interface Exchange {
  readonly count: number;
  readonly parallel: number;
  /** How long each answer is, for a method that is answered with one long line. */
  readonly answerBytes?: number;
  /** Whether a request that the server is too busy for is tried again. */
  readonly mode?: "once" | "retried";
}

export async function createScenarios(options: ScenarioOptions): Promise<readonly Scenario[]> {
  const { quick } = options;
  const rounds = quick ? 3 : 7;
  const deltas = quick ? 100_000 : 300_000;
  const requests = quick ? 2_000 : 5_000;
  const turns = quick ? 10 : 30;
  const program = await compileProgram(new URL("scripted-server.ts", import.meta.url));
  const scriptedServer = (deltas: number, answerBytes: number): string[] => {
    return [process.execPath, program, String(deltas), String(answerBytes)];
  };
  const threads = 2_000;
  const lines = 5;
  const ours = (suffix: string, script: string, ...args: string[]): Contender[] => [
    { name: join("ours", suffix), script, args: [options.library, ...args] },
    ...(options.against === undefined
      ? []
      : [{ name: join("other build", suffix), script, args: [options.against, ...args] }]),
  ];
  const exchange = (
    method: string,
    { count, parallel, answerBytes = 0, mode = "once" }: Exchange,
  ) => {
    const args = [method, String(count), String(parallel), ...scriptedServer(0, answerBytes)];
    const contenders = [
      { name: "bare", script: "requests-bare.mjs", args },
      ...ours("", "requests-ours.mjs", mode, ...args),
    ];
    return { contenders, baseline: "bare", rounds, messages: count };
  };
  const flood = scriptedServer(deltas, 0);
  // By itself: all that it needs of the library is the iteration of a turn.
  const parts = await compileProgram(new URL("../lib/parts/parts-of.ts", import.meta.url));
  const idle = [String(threads), ...scriptedServer(0, 0)];
  return [
    {
      title: `A turn of ${deltas.toLocaleString("en")} text deltas, each`,
      contenders: [
        { name: "reading the bytes only", script: "turn-bytes.mjs", args: flood },
        { name: "bare", script: "turn-bare.mjs", args: flood },
        { name: "bare, with node:readline", script: "turn-readline.mjs", args: flood },
        { name: "plain vscode-jsonrpc", script: "turn-jsonrpc.mjs", args: flood },
        ...ours("for await", "turn-ours.mjs", "stream", ...flood),
        ...ours("run() alone", "turn-ours.mjs", "run", ...flood),
        ...ours("partsOf()", "turn-parts.mjs", pathToFileURL(parts).href, ...flood),
      ],
      baseline: "bare",
      operations: deltas,
      unit: "µs",
      rounds,
      messages: deltas,
      targets: { "ours: for await": { timesBaseline: 1.3 } },
    },
    {
      title: "An answer of 20 MiB on one line",
      ...exchange("thread/read", { count: lines, parallel: 1, answerBytes: 20 * 1_024 * 1_024 }),
      operations: lines,
      unit: "ms",
      targets: { ours: { timesBaseline: 1.5 } },
    },
    {
      title: `${requests.toLocaleString("en")} requests one after another, each`,
      ...exchange("thread/loaded/list", { count: requests, parallel: 1 }),
      operations: requests,
      unit: "µs",
      targets: { ours: { timesBaseline: 1.3 } },
    },
    {
      title: `${(requests * 4).toLocaleString("en")} requests, 64 at a time, each`,
      ...exchange("thread/loaded/list", { count: requests * 4, parallel: 64 }),
      operations: requests * 4,
      unit: "µs",
      targets: { ours: { timesBaseline: 1.3 } },
    },
    {
      title: "The same, to be tried again when the server is too busy, each",
      ...exchange("thread/loaded/list", { count: requests * 4, parallel: 64, mode: "retried" }),
      operations: requests * 4,
      unit: "µs",
      targets: { ours: { timesBaseline: 1.3 } },
    },
    {
      title: `${turns} turns on one thread of the real server, each (median)`,
      contenders: [
        { name: "bare", script: "run-bare.mjs", args: [String(turns)] },
        ...ours("thread.run", "run-ours.mjs", String(turns)),
      ],
      baseline: "bare",
      operations: turns,
      unit: "ms",
      rounds,
      targets: { "ours: thread.run": { overBaseline: 3 } },
    },
    {
      title: "Start of the real server, up to the end of the handshake",
      contenders: [
        { name: "bare", script: "start-bare.mjs", args: [nativeCodexPath()] },
        ...ours("", "start-ours.mjs"),
      ],
      baseline: "bare",
      operations: 1,
      unit: "ms",
      rounds: quick ? 3 : 11,
    },
    {
      title: "Start of the real server, up to the end of the first turn",
      contenders: [
        { name: "bare", script: "first-turn-bare.mjs", args: [] },
        ...ours("", "first-turn-ours.mjs"),
      ],
      baseline: "bare",
      operations: 1,
      unit: "ms",
      rounds: quick ? 3 : 11,
      targets: { ours: { overBaseline: 20 } },
    },
    {
      title: "Import",
      contenders: [
        { name: "vscode-jsonrpc alone", script: "import.mjs", args: ["vscode-jsonrpc/node"] },
        ...ours("", "import.mjs"),
      ],
      baseline: "vscode-jsonrpc alone",
      operations: 1,
      unit: "ms",
      rounds: quick ? 3 : 11,
      targets: { ours: { atMost: 60 } },
    },
    {
      title: `${threads.toLocaleString("en")} idle threads, each`,
      contenders: [
        { name: "bare, ids only", script: "threads-bare.mjs", args: [...idle] },
        ...ours("", "threads-ours.mjs", ...idle),
      ],
      baseline: "bare, ids only",
      operations: threads,
      unit: "KiB",
      rounds: 3,
      messages: threads,
      targets: { ours: { atMost: 4 } },
    },
  ];
}

function join(name: string, suffix: string): string {
  return suffix === "" ? name : `${name}: ${suffix}`;
}
