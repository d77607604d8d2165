import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import path from "node:path";
import { sourceFiles } from "../support/source-imports.js";

interface Config {
  readonly testPathIgnorePatterns: readonly string[];
  readonly testMatch: readonly string[];
}

async function configOf(name: string): Promise<Config> {
  return ((await import(`../jest.${name}.js`)) as { default: Config }).default;
}

const quick = await configOf("quick");
const long = await configOf("long");

const tests = sourceFiles("tests").filter((file) => file.endsWith(".test.ts"));
const isLeftOut = (file: string): boolean =>
  quick.testPathIgnorePatterns.some((pattern) =>
    new RegExp(pattern.replace("<rootDir>/", "^")).test(file),
  );
const isLong = (file: string): boolean =>
  long.testMatch.some((pattern) => file.endsWith(pattern.replace("**/*", "")));

test("each test runs with npm test, npm run test:long, test:apps or test:ai, and with one of them", () => {
  // Those of lib/ai run with test:ai as well.
  const apart = tests.filter((file) => /^tests\/(apps|ai-7)\//.test(file));
  const counts = tests.map((file) => [
    file,
    Number(!isLeftOut(file)) + Number(isLong(file)) + Number(apart.includes(file)),
  ]);
  expect(counts.filter(([, count]) => count !== 1)).toEqual([]);
  expect(tests.filter(isLong).length).toBeGreaterThan(0);
});

test("continuous integration runs all four", () => {
  const script = readFileSync(path.resolve(import.meta.dirname, "../../.ci/run"), "utf8");
  for (const command of ["npm test", "npm run --silent test:long", "npm run --silent test:apps"]) {
    expect(script).toContain(command);
  }
  expect(script).toContain(" test:ai ");
});
