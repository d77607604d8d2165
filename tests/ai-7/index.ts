/**
 * `npm run test:ai`: runs the tests of `codex-app-server-sdk/ai` with version 7 of the AI SDK, on the Node.js that it
 * wants, and compiles its models against the types of that version. `npm test` runs the same tests with version 6.
 * The rest goes to jest: `npm run test:ai -- -t reasoning`.
 */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { installPinned } from "../../scripts/registry/install-pinned.js";
import { runJest } from "../matrix/run-jest.js";

const root = path.resolve(import.meta.dirname, "../..");
const manifests = path.join(import.meta.dirname, "packages");
const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** An application that gives our models to `ai`. */
const application = `
import type { LanguageModelV3, LanguageModelV4 } from "@ai-sdk/provider";
import type { LanguageModel } from "ai";
import { createCodex } from "codex-app-server-sdk/ai";
import type { Codex } from "codex-app-server-sdk";

export function models(codex: Codex): [LanguageModel, LanguageModel, LanguageModelV4, LanguageModelV3] {
  const seven = createCodex({ codex })("gpt-5");
  const six = createCodex({ codex, specificationVersion: "v3" }).languageModel("gpt-5");
  return [seven, six, seven, six];
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
  print(`ai ${version} takes the models, by its types. On Node ${stdout.trim()}:`);
  const args = ["--config", "tests/ai-7/jest.config.js", ...process.argv.slice(2)];
  const { suites, passed, failed, skipped, seconds, ok } = await runJest({ root, node, args });
  const counts = `${passed} tests passed, ${failed} failed, ${skipped.length} skipped`;
  print(`ai ${version}: ${suites} suites, ${counts}, in ${seconds} s`);
  // Only who asks for some of the tests leaves others out.
  const isWhole = process.argv.length === 2;
  if (!ok || passed === 0 || (isWhole && skipped.length > 0)) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`test:ai: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}

async function compileApplication(folder: string): Promise<void> {
  const compilerOptions = {
    ...{ target: "ES2023", module: "NodeNext", strict: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, skipLibCheck: true, types: ["node"] },
    typeRoots: [path.join(root, "node_modules", "@types")],
    lib: ["ES2023", "ES2024.String", "ESNext.Disposable"],
    paths: {
      "codex-app-server-sdk": [path.join(root, "lib/index.ts")],
      "codex-app-server-sdk/ai": [path.join(root, "lib/ai/index.ts")],
    },
  };
  const config = path.join(folder, "tsconfig.json");
  await writeFile(path.join(folder, "application.mts"), application);
  await writeFile(config, JSON.stringify({ compilerOptions, files: ["application.mts"] }));
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  try {
    await promisify(execFile)(process.execPath, [tsc, "-p", config]);
  } catch (error) {
    throw new Error(`The models do not fit the types:\n${(error as { stdout: string }).stdout}`);
  }
}
