import { expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../../..");

interface PackageJson {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

test("no entry holds a copy of a package that the application installs itself", async () => {
  const text = await readFile(path.join(root, "package.json"), "utf8");
  const { exports, peerDependencies } = JSON.parse(text) as PackageJson;
  const entries = JSON.stringify(exports).match(/\.\/dist\/[\w/.-]+\.(?:js|cjs)(?=")/g) ?? [];
  expect(entries).toContain("./dist/lib/fleet/index.cjs");
  for (const entry of entries) {
    const code = await readFile(path.join(root, entry), "utf8");
    const copied = Object.keys(peerDependencies).filter((name) =>
      code.includes(`\n// node_modules/${name}/`),
    );
    expect([entry, copied]).toEqual([entry, []]);
  }
});
