import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runtimePackages, type Way } from "./way.js";

const repository = path.resolve(import.meta.dirname, "../../..");
const runtime = path.join(runtimePackages, "codex");
const greeting = "Hello from the loopback model.";

/** Puts the application that is built beside the `node_modules` of a project. */
export async function writeApplication(project: string): Promise<void> {
  await cp(path.join(import.meta.dirname, "application"), project, { recursive: true });
}

/**
 * Builds the application, and runs the result elsewhere: without a runtime, with one that CODEX_PATH
 * names, and with one that is installed beside it. There is no package `ws`.
 *
 * @param env what makes a server answer by the loopback model.
 */
export async function checkWay(
  { name, recipe, build, buildWithRuntime }: Way,
  application: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const temp = await mkdtemp(path.join(tmpdir(), "built-"));
  const into = path.join(temp, "alone");
  const expect = (what: string, told: string, ...expected: readonly string[]): void => {
    const missing = expected.find((each) => !told.includes(each));
    if (missing !== undefined) throw new Error(`${name}, ${what}: no "${missing}" in:\n${told}`);
  };
  try {
    if (recipe !== undefined) {
      const docs = await readFile(path.join(repository, "docs/deploying.md"), "utf8");
      expect("the recipe in docs/deploying.md", docs, recipe);
    }
    await mkdir(into);
    const run = await build({ application, into });

    const alone = await run({ ...env, CODEX_PATH: "" });
    const advice = ["part of a bundle", "npm install @openai/codex@", "codexPath", "CODEX_PATH"];
    expect("without a runtime", alone.answer, "BINARY_NOT_FOUND", ...advice);
    // Bun has a ws of its own.
    const hasSocket = alone.socket.includes("nobody listens there");
    if (!hasSocket)
      expect("without ws", alone.socket, "MISSING_DEPENDENCY", "npm install ws@8, and");

    const named = await run({ ...env, CODEX_PATH: path.join(runtime, "bin/codex.js") });
    expect("with CODEX_PATH", named.answer, greeting);

    await mkdir(path.join(into, "node_modules/@openai"), { recursive: true });
    await symlink(runtime, path.join(into, "node_modules/@openai/codex"));
    const beside = await run({ ...env, CODEX_PATH: "" });
    expect("with a runtime beside it", beside.answer, greeting);

    if (buildWithRuntime) {
      const whole = path.join(temp, "whole");
      await mkdir(whole);
      const runWhole = await buildWithRuntime({ application, into: whole });
      const { answer } = await runWhole({ ...env, CODEX_PATH: "" });
      expect("with the runtime taken along", answer, greeting);
    }
    console.log(`built with ${name}, and run elsewhere`);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
}
