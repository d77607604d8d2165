import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { installPinned } from "../../scripts/registry/install-pinned.js";
import {
  configFor,
  reply,
  startLoopbackModel,
  type LoopbackModel,
} from "../../lib/testing/index.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";

const root = path.resolve(import.meta.dirname, "../..");
const cwd = path.join(root, "examples/apps/harness");

let node: string;
let model: LoopbackModel;
let directory: TempDir;

beforeAll(async () => {
  // The AI SDK wants a newer Node.js than this library does.
  const modules = await installPinned(
    path.join(root, "tests/ai-7/packages"),
    path.join(root, ".cache/ai-7"),
  );
  node = path.join(modules, `node-${process.platform}-${process.arch}`, "bin", "node");
  model = await startLoopbackModel();
  directory = await makeTempDir();
});
afterAll(async () => {
  await model.close();
  await directory.remove();
});

/** Runs the application with a prompt, and answers each of its questions. */
async function run(project: string, answer: "y" | "n"): Promise<{ output: string; code: number }> {
  await mkdir(project);
  const env = {
    ...process.env,
    PROJECT: project,
    CODEX_OPTIONS: JSON.stringify(await configFor(model)),
    THREAD_OPTIONS: JSON.stringify({ sandbox: "danger-full-access" }),
    SANDBOX_OPTIONS: JSON.stringify({ commands: "danger-full-access" }),
  };
  const args = ["--import", "tsx", "main.ts", "Make", "a", "marker"];
  const child = spawn(node, args, { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.endsWith("Allow? (y/n) ")) child.stdin.write(`${answer}\n`);
  });
  const code = await new Promise<number>((resolve) => child.once("close", resolve));
  return { output, code };
}

test.each(["y", "n"] as const)(
  "it asks before a command, and does what it is told: %s",
  async (answer) => {
    model.enqueue(
      reply.functionCall("today", {}),
      [reply.commentary("I make it. "), reply.shell("touch marker")],
      reply.text("That was it."),
    );
    const project = path.join(directory.path, answer);
    const { output, code } = await run(project, answer);
    expect(code).toBe(0);
    expect(output).toContain('bash {"command":');
    expect(output).toContain("That was it.");
    expect(existsSync(path.join(project, "marker"))).toBe(answer === "y");
    const told = JSON.stringify(model.requests.at(-1)?.input);
    expect(told).toContain("Make a marker");
    expect(told).toContain(new Date().toDateString().slice(0, 3));
  },
);
