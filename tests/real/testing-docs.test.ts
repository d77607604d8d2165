import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { compileProgram } from "../support/compile-program.js";

// What docs/testing.md shows of the fake server and of recordings, run as users would run it.

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
/** Inside of the package, so that its own name is found. */
const folder = path.join(root, ".cache/docs-testing");
const docs = await readFile(path.join(root, "docs/testing.md"), "utf8");
const blocks = [...docs.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
const ofFake = blocks.filter((code) => /FakeAppServer|replayServer/.test(code));
const jestBlocks = ofFake.filter((code) => code.includes("require("));
const nodeBlocks = ofFake.filter((code) => code.includes('from "node:test"'));
const scripts = ofFake.filter((code) => !jestBlocks.includes(code) && !nodeBlocks.includes(code));

async function write(name: string, code: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, name);
  await writeFile(file, code);
  return file;
}

test("there are examples for node:test, for jest, and one that is no test", () => {
  expect([nodeBlocks.length, jestBlocks.length, scripts.length]).toEqual([3, 1, 1]);
});

test.each(nodeBlocks.map((code, index) => [index + 1, code] as const))(
  "example %i for node:test passes",
  async (index, code) => {
    const program = await compileProgram(await write(`node-${index}.ts`, code));
    // The runner of this process must not be taken for that of the child.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const args = ["--test-reporter=tap", program];
    const { stdout } = await run(process.execPath, args, { cwd: folder, env });
    expect(stdout).toMatch(/^# pass 1$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  },
);

test("the example for jest passes, without ES modules", async () => {
  await write("example.test.cjs", jestBlocks[0] ?? "");
  const jest = path.join(root, "node_modules/jest/bin/jest.js");
  const dist = path.join(root, "dist/lib");
  const config = {
    rootDir: folder,
    testMatch: ["**/example.test.cjs"],
    transform: {},
    moduleNameMapper: {
      "^codex-app-server-sdk$": path.join(dist, "index.cjs"),
      "^codex-app-server-sdk/testing$": path.join(dist, "testing/index.cjs"),
    },
  };
  const args = [jest, "--config", JSON.stringify(config)];
  const { stderr } = await run(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  expect(stderr).toMatch(/Tests: +1 passed, 1 total/);
  await rm(folder, { recursive: true });
});

test("the example of a script runs", async () => {
  const program = await compileProgram(await write("script.ts", scripts[0] ?? ""));
  const { stdout } = await run(process.execPath, [program], { cwd: folder });
  expect(stdout).toBe("0\n");
});
