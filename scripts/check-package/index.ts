/**
 * Uses the package as its users get it: packs it, installs the tarball into an empty project, and
 * there type-checks and runs every TypeScript snippet of the README and of docs/ against the real
 * app-server and a loopback model, and loads it with `import` and with `require`.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { configArgs } from "../../lib/runtime/config-args.js";
import { configFor, reply, startLoopbackModel } from "../../lib/testing/index.js";
import { checkDeclarations } from "./declarations.js";
import { sample } from "./sample.js";
import { readSnippets } from "./snippets.js";

const run = promisify(execFile);
const repository = path.resolve(import.meta.dirname, "../..");
const project = await mkdtemp(path.join(tmpdir(), "package-check-"));
/** Not the package's own, but its users': installed here already, at the versions that are tested. */
const others = ["ws", "zod", "valibot", "@valibot/to-json-schema", "arktype"];
const model = await startLoopbackModel();
model.respond(({ outputSchema }) =>
  outputSchema ? reply.text(JSON.stringify(sample(outputSchema))) : undefined,
);

try {
  await install();
  const snippets = await writeSnippets(await documents());
  await compile();
  await checkDeclarations(path.join(project, "node_modules/codex-app-server-sdk/dist/lib"));
  const env = await environment();
  for (const { name, file } of snippets) {
    await node([file], env);
    console.log(`ran ${name}`);
  }
  await node(["--input-type=module", "--eval", loads("await import")], env);
  await node(["--input-type=commonjs", "--eval", loads("require")], env);
  console.log("loaded with import and with require");
} finally {
  await model.close();
  await rm(project, { recursive: true, force: true });
}

async function install(): Promise<void> {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], {
    cwd: repository,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  await writeFile(path.join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", `./${filename}`];
  await run("npm", [...install, "@types/node@20"], { cwd: project });
  // The runtime is 400 MB: the one that is installed here will do.
  for (const name of ["@openai/codex", ...others]) {
    const link = path.join(project, "node_modules", name);
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(path.join(repository, "node_modules", name), link);
  }
}

async function documents(): Promise<readonly string[]> {
  const names = await readdir(path.join(repository, "docs"));
  const docs = names.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`);
  return ["README.md", ...docs.toSorted()];
}

async function writeSnippets(
  documents: readonly string[],
): Promise<readonly { name: string; file: string }[]> {
  const written: { name: string; file: string }[] = [];
  for (const document of documents) {
    const snippets = readSnippets(await readFile(path.join(repository, document), "utf8"));
    for (const [index, snippet] of snippets.entries()) {
      const base = `${path.basename(document, ".md").toLowerCase()}-${index + 1}`;
      await writeFile(path.join(project, `${base}.ts`), snippet);
      written.push({ name: `${document}, snippet ${index + 1}`, file: `${base}.js` });
    }
  }
  if (written.length === 0) throw new Error("The documents have no snippet that runs.");
  return written;
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

/** A home whose configuration makes a bare `new Codex()` talk to the loopback model. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  const { env, config } = await configFor(model);
  const toml = configArgs(config).filter((argument) => argument !== "-c");
  await writeFile(path.join(env["CODEX_HOME"] ?? "", "config.toml"), `${toml.join("\n")}\n`);
  return { ...process.env, ...env, CODEX_PATH: "" };
}

async function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  await run(process.execPath, [...args], { cwd: project, env, timeout: 60_000 });
}

function loads(how: string): string {
  return `
    const { Codex, AppServerClient } = ${how}("codex-app-server-sdk");
    const { startLoopbackModel } = ${how}("codex-app-server-sdk/testing");
    const all = [Codex, AppServerClient, startLoopbackModel];
    if (!all.every((one) => typeof one === "function")) throw new Error("an export is missing");
  `;
}
