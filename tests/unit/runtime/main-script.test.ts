import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { mainScript, type StartedProcess } from "../../../lib/runtime/main-script.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { writeTree } from "./file-tree.js";

let temp: TempDir;

beforeAll(async () => {
  temp = await makeTempDir();
  await writeTree(temp.path, { "main.js": "", "app/index.js": "" });
});

afterAll(() => temp.remove());

/** The main script of a process, given relative to the temporary directory. */
async function scriptOf(
  argv: readonly string[],
  { execArgv = [], versions = process.versions }: Partial<StartedProcess> = {},
): Promise<string | undefined> {
  const found = await mainScript({ argv: ["node", ...argv], execArgv, versions });
  return found === undefined ? undefined : path.relative(temp.path, found);
}

const at = (name: string): string => path.join(temp.path, name);

describe("the main script", () => {
  test("is what node was given: a file, a directory, or a file without its extension", async () => {
    expect(await scriptOf([at("main.js"), at("app")])).toBe("main.js");
    expect(await scriptOf([at("app")])).toBe("app");
    expect(await scriptOf([at("main")])).toBe("main.js");
  });

  test("has options before it that are none of a script's", async () => {
    const execArgv = [
      "--import",
      "./e.js",
      "-r",
      "x",
      "--experimental-print-x",
      "--enable-source-maps",
    ];
    expect(await scriptOf([at("main.js")], { execArgv })).toBe("main.js");
  });

  test.each([
    [[]],
    [["-"]],
    [["-", "README.md"]],
    [["README.md"]],
    [["[worker eval]"]],
    [["."]],
    [[""]],
    [["file:///main.js"]],
  ])("is not an argument: %j", async (argv) => {
    expect(await scriptOf(argv)).toBeUndefined();
  });

  test.each([
    ["-e", "1"],
    ["-p", "1"],
    ["-pe", "1"],
    ["--eval", "1"],
    ["--eval=1"],
    ["--print", "1"],
    ["--print=1"],
    ["--snapshot-blob=x"],
    ["--prof-process"],
    ["--snapshot-blob", "x"],
  ])("is not the argument of what runs in its place: %s", async (...execArgv) => {
    expect(await scriptOf([at("main.js")], { execArgv })).toBeUndefined();
  });

  test("is not the file that a packaged application is to open", async () => {
    const versions = { ...process.versions, electron: "40.0.0" };
    expect(await scriptOf([at("main.js")], { versions })).toBeUndefined();
  });

  test("is not a path that does not exist here", async () => {
    expect(await scriptOf([at("gone/main.js")])).toBeUndefined();
  });
});
