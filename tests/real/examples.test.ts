import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { makeTempDir } from "../support/temp-dir.js";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const examples = readdirSync(path.join(root, "examples")).filter((name) => /^\d\d-/.test(name));

describe("each example runs by itself and checks itself", () => {
  test.each(examples)("%s", async (example) => {
    await using home = await makeTempDir();
    // No login here, so that the examples choose the loopback model.
    const env = { ...process.env, HOME: home.path, CODEX_HOME: home.path, OPENAI_API_KEY: "" };
    const tsx = path.join(root, "node_modules/tsx/dist/cli.mjs");
    const { stdout } = await run(process.execPath, [tsx, path.join(root, "examples", example)], {
      cwd: root,
      env,
    });
    expect(stdout).toMatch(/completed/);
  });

  test("the quickstart is among them", () => {
    expect(examples).toContain("01-quickstart.ts");
  });
});
