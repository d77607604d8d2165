import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { compareFiles, writeFiles } from "../../../scripts/generate/output.js";
import { exactVersion, requireVersion } from "../../../scripts/generate/run-binary.js";
import { makeTempDir } from "../../support/temp-dir.js";

describe("the pinned binary", () => {
  test("must be the version that package.json pins", () => {
    expect(() => {
      requireVersion("codex-cli 0.169.0\n", "0.169.0");
    }).not.toThrow();
    expect(() => {
      requireVersion("codex-cli 0.170.0\n", "0.169.0");
    }).toThrow("The installed codex binary is 0.170.0, but package.json pins 0.169.0");
    expect(() => {
      requireVersion("codex-cli 0.169.0-alpha.1\n", "0.169.0");
    }).toThrow("0.169.0-alpha.1");
    expect(() => {
      requireVersion("hello", "0.169.0");
    }).toThrow("no version");
  });

  test("must be pinned exactly", () => {
    expect(exactVersion("0.169.0")).toBe("0.169.0");
    for (const range of ["^0.169.0", "~0.169.0", "latest", undefined]) {
      expect(() => exactVersion(range)).toThrow("must pin @openai/codex to an exact version");
    }
  });
});

describe("comparing and writing", () => {
  const files = new Map([
    ["types.ts", "export type A = string;\n"],
    ["schemas/protocol.json", "{}\n"],
  ]);

  test("names every file that is changed, missing or extra", async () => {
    await using folder = await makeTempDir();
    await writeFile(join(folder.path, "types.ts"), "export type A = number;\n");
    await mkdir(join(folder.path, "old"));
    await writeFile(join(folder.path, "old", "routes.ts"), "");
    expect(await compareFiles(folder.path, files)).toEqual([
      "changed: types.ts",
      "extra: old/routes.ts",
      "missing: schemas/protocol.json",
    ]);
  });

  test("leaves exactly the generated files behind", async () => {
    await using folder = await makeTempDir();
    await writeFile(join(folder.path, "stale.ts"), "");
    await writeFiles(folder.path, files);
    expect(await compareFiles(folder.path, files)).toEqual([]);
    expect(await readFile(join(folder.path, "schemas/protocol.json"), "utf8")).toBe("{}\n");
  });
});
