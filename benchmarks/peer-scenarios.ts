import { readFile } from "node:fs/promises";
import type { Scenario } from "./scenario.js";
import type { ScenarioOptions } from "./scenarios.js";

const peer = "@openai/codex-sdk";

/**
 * The same turns by this package, by hand, and by the SDK that runs `codex exec` once for each turn:
 * the same native binary, the same model, the same configuration.
 */
export function createPeerScenarios({ quick, library }: ScenarioOptions): readonly Scenario[] {
  const rounds = quick ? 3 : 7;
  const group = (title: string, shape: string, operations = 1) => {
    const contender = (name: string, who: string) => ({
      name,
      script: "peer.mjs",
      args: [who, shape, library],
    });
    const contenders = [
      contender("bare", "bare"),
      contender("ours", "ours"),
      contender(peer, "peer"),
    ];
    return { title, contenders, baseline: "bare", operations, unit: "ms" as const, rounds };
  };
  return [
    group("From nothing to the end of the first turn", "first"),
    group("A later turn on the same thread (median of 20)", "later", 20),
    group("20 turns on one thread, start included", "twenty"),
    group("10 threads at once, a turn each, start included", "ten"),
    {
      ...group("The same: memory of all processes together, at its peak", "memory"),
      unit: "MiB",
      rounds: 3,
    },
  ];
}

/** The installed version, or how to get it. */
export async function describePeer(): Promise<string> {
  const file = new URL(`peers/node_modules/${peer}/package.json`, import.meta.url);
  try {
    const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
    return `${peer} ${version}`;
  } catch {
    throw new Error(`${peer} is not installed: run \`npm run bench:peers\`.`);
  }
}
