import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";

const apps = path.resolve(import.meta.dirname, "../../examples/apps");

/** The library does the work, so that users copy little. */
test.each([
  ["express/server.ts", 60],
  ["fastify/server.ts", 60],
  ["fetch/app.ts", 60],
  ["fetch/node.ts", 25],
  ["fetch/hono.ts", 25],
])("%s has at most %i lines", (file, lines) => {
  const text = readFileSync(path.join(apps, file), "utf8");
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(lines);
});
