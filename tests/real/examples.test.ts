import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { examples, examplesFolder, runExample } from "../support/run-example.js";
import { makeTempDir } from "../support/temp-dir.js";

test("the first example runs by itself, checks itself, and leaves nothing behind", async () => {
  await using temp = await makeTempDir();
  const { stdout, stderr } = await runExample("01-quickstart.ts", temp.path);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/completed/);
  expect(await readdir(temp.path)).toEqual([]);
});

test.each(examples)("%s is short enough to be read at once: under 80 lines", async (example) => {
  const text = await readFile(path.join(examplesFolder, example), "utf8");
  expect(text.trimEnd().split("\n").length).toBeLessThan(80);
});

test("the examples' README lists them all, in order", async () => {
  const readme = await readFile(path.join(examplesFolder, "README.md"), "utf8");
  const listed = [...readme.matchAll(/^\| \[(.*?)\]\(\1\)/gm)].map(([, name]) => name);
  const apps = (await readdir(path.join(examplesFolder, "apps"))).map((name) => `apps/${name}`);
  expect(examples).toContain("01-quickstart.ts");
  expect(listed).toEqual([...examples.toSorted(), ...apps.toSorted()]);
});
