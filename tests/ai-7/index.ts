/**
 * `npm run test:ai`: runs the tests of `codex-app-server-sdk/ai` with version 7 of the AI SDK, on the Node.js that it
 * wants: its models and its chat, which `npm test` runs with version 6, and its harness, which the `HarnessAgent` of the
 * AI SDK drives. All of it is compiled against the types of that version. Arguments go to jest:
 * `npm run test:ai -- -t reasoning`.
 */
import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { installPinned } from "../../scripts/registry/install-pinned.js";
import { runJest } from "../matrix/run-jest.js";

const root = path.resolve(import.meta.dirname, "../..");
const manifests = path.join(import.meta.dirname, "packages");
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** An application that gives our models to `ai`, and our harness and sandbox to `@ai-sdk/harness`. */
const application = `
import type { LanguageModelV3, LanguageModelV4 } from "@ai-sdk/provider";
import type { HarnessV1, HarnessV1SandboxProvider } from "@ai-sdk/harness";
import { HarnessAgent } from "@ai-sdk/harness/agent";
import type { LanguageModel } from "ai";
import { createCodex, createCodexHarness, createCodexSandbox } from "codex-app-server-sdk/ai";
import type { Codex } from "codex-app-server-sdk";

export function models(codex: Codex): [LanguageModel, LanguageModel, LanguageModelV4, LanguageModelV3] {
  const seven = createCodex({ codex })("gpt-5");
  const six = createCodex({ codex, specificationVersion: "v3" }).languageModel("gpt-5");
  return [seven, six, seven, six];
}

export function harness(codex: Codex): HarnessV1 {
  return createCodexHarness({ codex });
}

export function sandbox(codex: Codex): HarnessV1SandboxProvider {
  return createCodexSandbox({ codex, directory: "/srv/agents" });
}

export async function agent(codex: Codex): Promise<string> {
  const agent = new HarnessAgent({
    harness: createCodexHarness({ codex }),
    sandbox: createCodexSandbox({ codex, directory: "/srv/agents" }),
    inactiveTools: ["bash", "webSearch"],
    permissionMode: "allow-edits",
  });
  const session = await agent.createSession();
  const { steps, text } = await agent.generate({ session, prompt: "Go" });
  for (const { toolCalls } of steps) {
    for (const call of toolCalls) {
      if (!call.dynamic && call.toolName === "bash") call.input.command satisfies string;
    }
  }
  return text;
}
`;

try {
  const folder = path.join(root, ".cache", "ai-7");
  const modules = await installPinned(manifests, folder);
  const node = path.join(modules, `node-${process.platform}-${process.arch}`, "bin", "node");
  const manifest = await readFile(path.join(modules, "ai", "package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const { stdout } = await promisify(execFile)(node, ["--version"]);
  await compileApplication(folder);
  print(`ai ${version} takes the models and the harness, by its types. On Node ${stdout.trim()}:`);
  const given = process.argv.slice(2);
  let count = 0;
  for (const config of ["tests/ai-7/jest.config.js", "tests/ai-7/harness/jest.config.js"]) {
    const args = ["--config", config, "--passWithNoTests", ...given];
    const { suites, passed, failed, skipped, seconds, ok } = await runJest({ root, node, args });
    const counts = `${passed} tests passed, ${failed} failed, ${skipped.length} skipped`;
    print(`${config}: ${suites} suites, ${counts}, in ${seconds} s`);
    count += passed;
    // Only who asks for some of the tests leaves others out.
    const isWhole = given.length === 0;
    if (!ok || (isWhole && (passed === 0 || skipped.length > 0))) process.exitCode = 1;
  }
  if (count === 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`test:ai: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}

async function compileApplication(folder: string): Promise<void> {
  const own = {
    "codex-app-server-sdk": [path.join(root, "lib/index.ts")],
    "codex-app-server-sdk/ai": [path.join(root, "lib/ai/index.ts")],
  };
  await writeFile(path.join(folder, "application.mts"), application);
  await compile(folder, "tsconfig.json", own, ["application.mts"]);
  // The tests of the harness lie outside the folder that has the packages.
  const harness = path.join(folder, "node_modules/@ai-sdk/harness");
  const packages = {
    "@ai-sdk/harness": [path.join(harness, "dist/index.d.ts")],
    "@ai-sdk/harness/agent": [path.join(harness, "dist/agent/index.d.ts")],
    ai: [path.join(harness, "node_modules/ai/dist/index.d.ts")],
  };
  const tests = path.join(import.meta.dirname, "harness");
  const files = (await readdir(tests)).filter((name) => name.endsWith(".ts"));
  const paths = files.map((name) => path.join(tests, name));
  await compile(folder, "tsconfig.tests.json", { ...own, ...packages }, paths);
}

async function compile(
  folder: string,
  name: string,
  paths: Readonly<Record<string, readonly string[]>>,
  files: readonly string[],
): Promise<void> {
  const compilerOptions = {
    ...{ target: "ES2023", module: "NodeNext", strict: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, skipLibCheck: true, types: ["node"] },
    typeRoots: [path.join(root, "node_modules", "@types")],
    lib: ["ES2023", "ES2024.String", "ESNext.Disposable"],
    paths,
  };
  const config = path.join(folder, name);
  await writeFile(config, JSON.stringify({ compilerOptions, files }));
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  try {
    await promisify(execFile)(process.execPath, [tsc, "-p", config]);
  } catch (error) {
    throw new Error(`The types do not fit:\n${(error as { stdout: string }).stdout}`);
  }
}
