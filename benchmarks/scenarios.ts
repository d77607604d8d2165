import { fileURLToPath } from "node:url";
import { nativeCodexPath } from "../tests/support/raw-client.js";
import type { Contender } from "./fresh-process.js";

/** Contenders that do the same work, and are compared with one of them. */
export interface Scenario {
  readonly title: string;
  readonly contenders: readonly Contender[];
  /** The name of the contender that the others are compared with. */
  readonly baseline: string;
  /** What the times are divided by: messages, requests or lines in one run. */
  readonly operations: number;
  readonly unit: "µs" | "ms";
  readonly rounds: number;
  /** How many messages each contender must have seen, if it counts them. */
  readonly messages?: number;
}

export interface ScenarioOptions {
  /** Fewer messages and rounds: for a first look, not for a report. */
  readonly quick: boolean;
  /** What contenders import: the built package, by its own name. */
  readonly library: string;
  /** The `index.js` of another build of this package, to be measured beside it. */
  readonly against?: string | undefined;
}

export function createScenarios(options: ScenarioOptions): readonly Scenario[] {
  const { quick } = options;
  const rounds = quick ? 3 : 7;
  const deltas = quick ? 100_000 : 300_000;
  const requests = quick ? 2_000 : 5_000;
  const lines = 5;
  const ours = (suffix: string, script: string, ...args: string[]): Contender[] => [
    { name: join("ours", suffix), script, args: [options.library, ...args] },
    ...(options.against === undefined
      ? []
      : [{ name: join("other build", suffix), script, args: [options.against, ...args] }]),
  ];
  const exchange = (method: string, count: number, parallel: number, answerBytes = 0) => {
    const args = [method, String(count), String(parallel), ...scriptedServer(0, answerBytes)];
    const contenders = [
      { name: "bare", script: "requests-bare.mjs", args },
      ...ours("", "requests-ours.mjs", ...args),
    ];
    return { contenders, baseline: "bare", rounds, messages: count };
  };
  const flood = scriptedServer(deltas, 0);
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
      ],
      baseline: "bare",
      operations: deltas,
      unit: "µs",
      rounds,
      messages: deltas,
    },
    {
      title: "An answer of 20 MiB on one line",
      ...exchange("thread/read", lines, 1, 20 * 1_024 * 1_024),
      operations: lines,
      unit: "ms",
    },
    {
      title: `${requests.toLocaleString("en")} requests one after another, each`,
      ...exchange("thread/loaded/list", requests, 1),
      operations: requests,
      unit: "µs",
    },
    {
      title: `${(requests * 4).toLocaleString("en")} requests, 64 at a time, each`,
      ...exchange("thread/loaded/list", requests * 4, 64),
      operations: requests * 4,
      unit: "µs",
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
      title: "Import",
      contenders: [
        { name: "vscode-jsonrpc alone", script: "import.mjs", args: ["vscode-jsonrpc/node"] },
        ...ours("", "import.mjs"),
      ],
      baseline: "vscode-jsonrpc alone",
      operations: 1,
      unit: "ms",
      rounds: quick ? 3 : 11,
    },
  ];
}

function scriptedServer(deltas: number, answerBytes: number): string[] {
  const script = fileURLToPath(new URL("scripted-server.mjs", import.meta.url));
  return [process.execPath, script, String(deltas), String(answerBytes)];
}

function join(name: string, suffix: string): string {
  return suffix === "" ? name : `${name}: ${suffix}`;
}
