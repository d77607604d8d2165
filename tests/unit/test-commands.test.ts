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

test("each test runs with npm test, test:long, test:apps, test:fleet or test:ai, and with one of them", () => {
  const others = tests.filter((file) => /^tests\/(apps|fleet|ai-7)\//.test(file));
  const counts = tests.map((file) => [
    file,
    Number(!isLeftOut(file)) + Number(isLong(file)) + Number(others.includes(file)),
  ]);
  expect(counts.filter(([, count]) => count !== 1)).toEqual([]);
  expect(tests.filter(isLong).length).toBeGreaterThan(0);
});

test("continuous integration runs all of them", () => {
  const script = readFileSync(path.resolve(import.meta.dirname, "../../.ci/run"), "utf8");
  expect(script).toContain("npm test");
  for (const command of ["test:long", "test:apps", "test:fleet", "test:nextjs", "test:ai"]) {
    expect(script).toMatch(new RegExp(`^(?!step|#).*\\b${command}\\b`, "m"));
  }
});
