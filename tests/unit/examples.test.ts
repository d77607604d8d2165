import { readdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";

const folder = path.resolve(import.meta.dirname, "../../examples");
const examples = readdirSync(folder).filter((name) => /^\d\d-.*\.ts$/.test(name));

test.each(examples)("%s is short enough to be read at once: under 80 lines", async (example) => {
  const text = await readFile(path.join(folder, example), "utf8");
  expect(text.trimEnd().split("\n").length).toBeLessThan(80);
});

test("the examples' README lists them all, in order", async () => {
  const readme = await readFile(path.join(folder, "README.md"), "utf8");
  const listed = [...readme.matchAll(/^\| \[(.*?)\]\(\1\)/gm)].map(([, name]) => name);
  const apps = (await readdir(path.join(folder, "apps"))).map((name) => `apps/${name}`);
  expect(examples).toContain("01-quickstart.ts");
  expect(listed).toEqual([...examples.toSorted(), ...apps.toSorted()]);
});
