import { expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const directory = path.join(import.meta.dirname, "../../fixtures/transcripts");
const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
const read = (name: string) => readFileSync(path.join(directory, name), "utf8");

test("every transcript is explained in the README, and there are no others", () => {
  const readme = read("README.md");
  const cells = readme.split("\n").flatMap((line) => /^\| (`[^|]*`) \|/u.exec(line)?.[1] ?? []);
  const listed = cells.flatMap((cell) => cell.split(", ").map((name) => name.slice(1, -1)));
  expect(listed.map((name) => `${name}.jsonl`).sort()).toEqual([...files].sort());
});

test.each(files)("%s begins with the handshake and holds nothing of a machine", (name) => {
  const text = read(name);
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { dir: string; message: { id?: number; method?: string } });
  expect(lines[0]).toMatchObject({ dir: "out", message: { method: "initialize" } });
  expect(lines[1]).toMatchObject({ dir: "in", message: { id: lines[0]?.message.id } });
  expect(new Set(lines.map(({ dir }) => dir))).toEqual(new Set(["in", "out"]));

  expect(text.length).toBeLessThan(100_000);
  expect(text).not.toMatch(/\/tmp\/|\/root|127\.0\.0\.1:(?!8080)/u);
  const ids = text.match(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gu) ?? [];
  expect(ids.filter((id) => !id.startsWith("00000000-0000-7000-8000-"))).toEqual([]);
  const clocks = text.match(/(?<=AtMs":)\d+/gu) ?? [];
  expect(clocks.filter((clock) => !clock.startsWith("17672"))).toEqual([]);
});
