import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { compileProgram } from "../support/compile-program.js";
import { makeTempDir } from "../support/temp-dir.js";
import { printedText, type Recording } from "../../scripts/picture/recording.js";

const run = promisify(execFile);
const folder = path.resolve(import.meta.dirname, "../../examples");
const examples = readdirSync(folder).filter((name) => /^\d\d-.*\.ts$/.test(name));

describe("each example runs by itself, checks itself, and leaves nothing behind", () => {
  test.each(examples)("%s", async (example) => {
    await using temp = await makeTempDir();
    const { stdout, stderr } = await runExample(example, temp.path);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/completed/);
    expect(await readdir(temp.path)).toEqual([]);
  });
});

test("the picture in the README shows what its example prints today; else npm run picture", async () => {
  await using temp = await makeTempDir();
  const text = await readFile(path.resolve(folder, "../scripts/picture/recording.json"), "utf8");
  const recording = JSON.parse(text) as Recording;
  const { stdout } = await runExample(recording.example, temp.path);
  expect(stdout).toBe(printedText(recording));
});

/** A check that fails ends the example with a code, which rejects. */
async function runExample(example: string, tempDir: string) {
  await using home = await makeTempDir();
  const program = await compileProgram(path.join(folder, example));
  const running = run(process.execPath, [program], {
    cwd: path.dirname(folder),
    env: {
      ...process.env,
      // No login here, so that the examples choose the loopback model.
      HOME: home.path,
      CODEX_HOME: home.path,
      OPENAI_API_KEY: "",
      TMPDIR: tempDir,
    },
    timeout: 50_000,
  });
  running.child.stdin?.end();
  return await running;
}
