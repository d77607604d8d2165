/**
 * Uses the package as its users get it: packs it, installs the tarball into an empty project, and
 * there
 *
 * - bundles an application with it, in the ways that most are, and runs the results,
 * - type-checks and runs every TypeScript snippet of the README and of docs/ against the real
 *   app-server and a loopback model,
 * - compiles programs of users with the TypeScripts that are supported,
 * - has the doctor examine the project,
 * - and loads it as an ES module, as a CommonJS one, as both, and in a test runner without ES modules.
 */
import { execFile } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { reply, startLoopbackModel } from "../../lib/testing/index.js";
import { checkWay, writeApplication } from "./bundlers/check-way.js";
import { commonWays, installCheckTools } from "./bundlers/common-ways.js";
import { compileConsumers } from "./compile-consumers.js";
import { checkedSnippets, checkOutput } from "./check-output.js";
import { checkDeclarations } from "./declarations.js";
import { loopbackHome } from "./loopback-home.js";
import { installPacked } from "./packed-project.js";
import { sample } from "./sample.js";
import { readSnippets } from "./snippets.js";

const run = promisify(execFile);
const repository = path.resolve(import.meta.dirname, "../..");
const project = await mkdtemp(path.join(tmpdir(), "package-check-"));
/** Not the package's own, but its users': installed here already, at the versions that are tested. */
const others = [
  ...["@openai/codex", "ws", "zod", "valibot", "@valibot/to-json-schema", "arktype"],
  ...["@opentelemetry/api", "@opentelemetry/context-async-hooks", "@opentelemetry/sdk-trace-base"],
];
/** Of these there is no other use here. */
const onlyInSnippets = ["pino", "prom-client"];
const model = await startLoopbackModel();
model.respond(({ outputSchema }) =>
  outputSchema ? reply.text(JSON.stringify(sample(outputSchema))) : undefined,
);

try {
  const env = await loopbackHome(model);
  await installPacked(project, "@types/node@20");
  await bundle(env);
  await linkOthers();
  const snippets = await writeSnippets(await documents());
  await compile();
  await checkDeclarations(path.join(project, "node_modules/codex-app-server-sdk/dist/lib"));
  await runSnippets(snippets, env);
  await examine(env);
  await compileConsumers(project, await installCheckTools());
  await load(env);
} finally {
  await model.close();
  await rm(project, { recursive: true, force: true });
}

/** Before there is a `ws`, which most applications do without. */
async function bundle(env: NodeJS.ProcessEnv): Promise<void> {
  await writeApplication(project);
  for (const way of await commonWays()) await checkWay(way, project, env);
}

/** The runtime is 400 MB: the one that is installed here will do. */
async function linkOthers(): Promise<void> {
  const installed = path.join(repository, "node_modules");
  const tools = await installCheckTools();
  const links = [
    ...others.map((name) => [name, installed] as const),
    ...onlyInSnippets.map((name) => [name, tools] as const),
  ];
  for (const [name, modules] of links) {
    const link = path.join(project, "node_modules", name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(modules, name), link);
  }
}

async function documents(): Promise<readonly string[]> {
  const names = await readdir(path.join(repository, "docs"));
  const docs = names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
  return ["README.md", ...docs.toSorted()];
}

interface Snippet {
  readonly name: string;
  readonly code: string;
  readonly file: string;
}

async function writeSnippets(documents: readonly string[]): Promise<readonly Snippet[]> {
  const written: Snippet[] = [];
  for (const document of documents) {
    const snippets = readSnippets(await readFile(path.join(repository, document), "utf8"));
    for (const [index, code] of snippets.entries()) {
      const base = `${path.basename(document, ".md").toLowerCase()}-${index + 1}`;
      await writeFile(path.join(project, `${base}.ts`), code);
      written.push({ name: `${document}, snippet ${index + 1}`, code, file: `${base}.js` });
    }
  }
  if (written.length === 0) throw new Error("The documents have no snippet that runs.");
  return written;
}

async function runSnippets(snippets: readonly Snippet[], env: NodeJS.ProcessEnv): Promise<void> {
  const checked = new Set<string | undefined>();
  for (const { name, code, file } of snippets) {
    checked.add(checkOutput(code, await node([file], env)));
    console.log(`ran ${name}`);
  }
  const missing = checkedSnippets.filter((text) => !checked.has(text));
  if (missing.length > 0) throw new Error(`No snippet has ${missing.join(", nor ")}.`);
}

async function compile(): Promise<void> {
  const compilerOptions = {
    target: "ES2022",
    lib: ["ES2023", "ESNext.Disposable"],
    module: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ["node"],
  };
  await writeFile(
    path.join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["*.ts"] }),
  );
  const tsc = path.join(repository, "node_modules/typescript/bin/tsc");
  try {
    await run(process.execPath, [tsc, "-p", project], { cwd: project });
  } catch (error) {
    throw new Error(`The snippets do not compile:\n${(error as { stdout: string }).stdout}`);
  }
}

async function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run(process.execPath, [...args], { cwd: project, env, timeout: 60_000 });
  return stdout;
}

async function examine(env: NodeJS.ProcessEnv): Promise<void> {
  // As npx does, which takes its time.
  const program = path.join(project, "node_modules/.bin/codex-app-server-sdk");
  const options = { cwd: project, env, timeout: 90_000 };
  const { stdout } = await run(program, ["doctor", "--json"], options);
  const { healthy } = JSON.parse(stdout) as { healthy: boolean };
  if (!healthy) throw new Error(`The doctor finds something wrong:\n${stdout}`);
  console.log("examined by the doctor");
}

async function load(env: NodeJS.ProcessEnv): Promise<void> {
  for (const file of ["both-copies.mjs", "consumer.test.cjs"]) {
    await copyFile(path.join(import.meta.dirname, "consumers", file), path.join(project, file));
  }
  await node(["both-copies.mjs"], env);
  console.log("loaded with import and with require, in one process");
  const jest = path.join(repository, "node_modules/jest/bin/jest.js");
  const config = { rootDir: project, testMatch: ["**/*.test.cjs"], transform: {} };
  await node([jest, "--config", JSON.stringify(config)], { ...env, NODE_OPTIONS: "" });
  console.log("tested with jest, without ES modules");
}
