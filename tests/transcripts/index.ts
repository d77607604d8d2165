import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { scenarios } from "./scenarios/index.js";
import type { RecordingLine } from "../../lib/recording/format.js";
import { record } from "./record.js";

/** `tsx tests/transcripts/index.ts [name…]`: records all scenarios, or the named ones. */
const directory = path.join(import.meta.dirname, "..", "fixtures", "transcripts");
const maxBytes = 100_000;
const timeLimitMs = 60_000;

const names = process.argv.slice(2);
const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0) throw new Error(`No such scenario: ${unknown.join(", ")}`);

await mkdir(directory, { recursive: true });
for (const scenario of scenarios) {
  if (names.length > 0 && !names.includes(scenario.name)) continue;
  const timer = setTimeout(() => {
    console.error(`${scenario.name} did not end within ${timeLimitMs} ms`);
    process.exit(1);
  }, timeLimitMs);
  const lines = await record(scenario);
  clearTimeout(timer);
  await writeTranscript(scenario.name, lines);
}

async function writeTranscript(name: string, lines: readonly RecordingLine[]): Promise<void> {
  const text = lines.map((line) => JSON.stringify(line) + "\n").join("");
  if (text.length > maxBytes) throw new Error(`${name} is larger than ${maxBytes} bytes`);
  await writeFile(path.join(directory, `${name}.jsonl`), text);
  console.log(`${name}: ${lines.length - 1} messages, ${text.length} bytes`);
}
