import { expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { missingFiles, withTable } from "./markdown.js";
import { areas } from "./areas.js";

const file = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));

test("docs/reliability.md lists the scenarios that there are, and names tests that are there", async () => {
  const document = await readFile(file, "utf8");
  // When this fails: npm run conformance -- --write
  expect(withTable(document)).toBe(document);
  expect(missingFiles(document, path.dirname(file))).toEqual([]);
});

test("each scenario has a name of its own", () => {
  const names = Object.values(areas).flatMap((scenarios) => scenarios.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThan(100);
});
