import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { compileProgram } from "./compile-program.js";
import { makeTempDir } from "./temp-dir.js";

const run = promisify(execFile);

export const examplesFolder = path.resolve(import.meta.dirname, "../../examples");
export const examples = readdirSync(examplesFolder).filter((name) => /^\d\d-.*\.ts$/.test(name));

/** A check that fails ends the example with a code, which rejects. */
export async function runExample(example: string, tempDir: string) {
  await using home = await makeTempDir();
  const program = await compileProgram(path.join(examplesFolder, example));
  const running = run(process.execPath, [program], {
    cwd: path.dirname(examplesFolder),
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
