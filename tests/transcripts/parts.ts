import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { partLines, partsDirectory } from "../support/golden-parts.js";
import { transcriptNames } from "../support/transcripts.js";

/** `tsx tests/transcripts/parts.ts`: writes the parts of each transcript's turns beside the transcripts. */
await mkdir(partsDirectory, { recursive: true });
for (const name of transcriptNames()) {
  const lines = partLines(name);
  await writeFile(path.join(partsDirectory, `${name}.jsonl`), lines);
  console.log(`${name}: ${lines.split("\n").length - 1} parts`);
}
