import { expect, test } from "@jest/globals";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { BuiltBefore } from "../../../scripts/build/built-before.js";
import { makeTempDir } from "../../support/temp-dir.js";

const changes: readonly [what: string, file: string, content: string | undefined][] = [
  ["a source has changed", "lib/index.ts", "export const one = 2;"],
  ["a source has come", "lib/deep/two.ts", ""],
  ["a source has gone", "lib/index.ts", undefined],
  ["a package has another version", "package-lock.json", "{ }"],
  ["the way of building has changed", "scripts/build/index.ts", "// other"],
  ["what was built has changed", "dist/lib/index.js", "export const one = 3;"],
  ["what was built is gone", "dist", undefined],
  ["something else lies in it", "dist/lib/other.js", ""],
];

test.each(changes)("when %s, what was built before is not up to date", async (_, file, content) => {
  await using root = await makeTempDir();
  const put = async (name: string, text: string): Promise<void> => {
    const place = path.join(root.path, name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, text);
  };
  await put("lib/index.ts", "export const one = 1;");
  await put("package-lock.json", "{}");
  await put("scripts/build/index.ts", "");
  await put("dist/lib/index.js", "export const one = 1;");
  const before = new BuiltBefore(root.path, path.join(root.path, "dist"));
  expect(await before.isUpToDate()).toBe(false);

  await before.remember();
  await put("docs/other.md", "It is not built from this.");
  expect(await before.isUpToDate()).toBe(true);

  if (content === undefined) await rm(path.join(root.path, file), { recursive: true });
  else await put(file, content);
  expect(await before.isUpToDate()).toBe(false);
});
