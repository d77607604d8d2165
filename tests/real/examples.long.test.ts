import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { printedText, type Recording } from "../../scripts/picture/recording.js";
import { examples, examplesFolder, runExample } from "../support/run-example.js";
import { makeTempDir } from "../support/temp-dir.js";

describe("each example runs by itself, checks itself, and leaves nothing behind", () => {
  // The first one runs with npm test.
  test.each(examples.slice(1))("%s", async (example) => {
    await using temp = await makeTempDir();
    const { stdout, stderr } = await runExample(example, temp.path);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/completed/);
    expect(await readdir(temp.path)).toEqual([]);
  });
});

test("the picture in the README shows what its example prints today; else npm run picture", async () => {
  await using temp = await makeTempDir();
  const text = await readFile(path.resolve(examplesFolder, "../scripts/picture/recording.json"), "utf8");
  const recording = JSON.parse(text) as Recording;
  const { stdout } = await runExample(recording.example, temp.path);
  expect(stdout).toBe(printedText(recording));
});
