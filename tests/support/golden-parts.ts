import { readFileSync } from "node:fs";
import path from "node:path";
import { TurnParts } from "../../lib/parts/turn-parts.js";
import type { TurnPart } from "../../lib/parts/turn-part.js";
import { recordedStreams, type RecordedStream } from "./recorded-streams.js";

/** Where the parts of each transcript are kept. */
export const partsDirectory = path.join(import.meta.dirname, "../fixtures/transcripts/parts");

/** The project of all transcripts. */
export const recordedCwd = "/home/user/project";

export function partsOfStream({ events }: RecordedStream): TurnPart[] {
  const parts = new TurnParts({ cwd: recordedCwd });
  return events.flatMap((event) => parts.next(event));
}

/** One line for each part of a transcript's turns. */
export function partLines(name: string): string {
  return recordedStreams(name)
    .flatMap(partsOfStream)
    .map((part) => `${JSON.stringify(part)}\n`)
    .join("");
}

export function keptPartLines(name: string): string {
  return readFileSync(path.join(partsDirectory, `${name}.jsonl`), "utf8");
}
