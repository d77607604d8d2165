import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { BuildOptions } from "esbuild";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runtimeTarget } from "../../lib/runtime/platform.js";
import { bundleHost } from "../support/bundle-host.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";
import { codexPackage, platformPackage, writeTree } from "../unit/runtime/file-tree.js";

/**
 * A program at each place where a runtime might be looked for. It says that it was started, and
 * nothing else. The library is bundled into an application, so that it has no runtime of its own.
 */
const host = fileURLToPath(new URL("planted-host.ts", import.meta.url));
const target = runtimeTarget(process.platform, process.arch);
if (target === undefined) throw new Error("there is no runtime for this machine");
const { triple, packageName } = target;

let temp: TempDir;
/** Absolute path of something in the temporary directory. */
const at = (...names: string[]): string => path.join(temp.path, ...names);

beforeAll(async () => {
  temp = await makeTempDir();
  await bundleTo("app/dist/main.mjs");
  await bundleTo("app/dist/main.cjs");
  await plant("repository");
});

afterAll(() => temp.remove());

const bundleTo = (name: string, options?: BuildOptions): Promise<void> =>
  bundleHost(host, at(name), options);

/** Puts a runtime into the `node_modules` of a directory. */
async function plant(directory: string): Promise<void> {
  const program = Buffer.from('#!/bin/sh\n: > "$0.started"\n');
  await writeTree(at(directory), {
    "README.md": "Hello.\n",
    ...codexPackage("node_modules/@openai/codex"),
    ...platformPackage(`node_modules/${packageName}`, triple, program),
  });
}

function wasStarted(directory: string): boolean {
  const file = at(directory, "node_modules", packageName, "vendor", triple, "bin/codex.started");
  return existsSync(file);
}

interface Run {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
}

function startNode(args: readonly string[], { cwd = "repository", env }: Run = {}) {
  return spawn(process.execPath, args, {
    cwd: at(cwd),
    env: { ...process.env, CODEX_PATH: "", NODE_OPTIONS: "", ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** Runs node in the planted repository. Gives the code of the error that the start ended with. */
async function run(args: readonly string[], options: Run = {}): Promise<string> {
  const child = startNode(args, options);
  const closed = once(child, "close");
  child.stdin.end(options.stdin);
  const output = await text(child.stdout);
  await closed;
  return output.trim();
}

const bundled = (name: string): string => at("app/dist", name);
const code = (name: string): string =>
  name.endsWith("cjs")
    ? `require(${JSON.stringify(bundled(name))})`
    : `import(${JSON.stringify(pathToFileURL(bundled(name)).href)})`;

describe("a runtime beside what is no script is not started", () => {
  const readme = "README.md";
  /** None of these has a main script, or one that lies elsewhere. */
  const notFromHere = async (...runs: Promise<string>[]): Promise<void> => {
    expect(await Promise.all(runs)).toEqual(runs.map(() => "BINARY_NOT_FOUND"));
    expect(wasStarted("repository")).toBe(false);
  };

  test("by code in an option", async () => {
    await notFromHere(
      run(["-e", code("main.mjs"), readme]),
      run(["-e", code("main.mjs"), at("repository", readme)]),
      run(["-e", code("main.cjs"), at("repository", readme)]),
      run([`--eval=${code("main.cjs")}`, at("repository", readme)]),
      run(["-pe", `${code("main.mjs")};""`, at("repository", readme)]),
      run(["--import", bundled("main.mjs"), "-e", "", `./${readme}`]),
    );
  });

  test("by code on the standard input", async () => {
    await notFromHere(
      run(["-"], { stdin: code("main.cjs") }),
      run(["-", readme], { stdin: code("main.mjs") }),
      run(["-", at("repository", readme)], { stdin: code("main.cjs") }),
    );
  });

  test("by code typed into a REPL", async () => {
    const child = startNode(["-i"]);
    const closed = once(child, "close");
    child.stdin.write(`${code("main.cjs")}\n`);
    let output = "";
    for await (const chunk of child.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      output += chunk;
      if (/[A-Z]+_[A-Z]+/.test(output)) child.stdin.end();
    }
    await closed;
    expect(output).toContain("BINARY_NOT_FOUND");
    expect(wasStarted("repository")).toBe(false);
  });

  test("by a script that lies elsewhere, whatever its arguments", async () => {
    const relative = path.relative(at("repository"), bundled("main.cjs"));
    await notFromHere(run([bundled("main.mjs")]), run([relative, at("repository", readme)]));
  });

  test("by a worker thread", async () => {
    const argv = `argv: [${JSON.stringify(readme)}]`;
    const worker = (source: string, options: string): string =>
      `new (require("node:worker_threads").Worker)(${JSON.stringify(source)}, { ${options} })`;
    await notFromHere(
      run(["-e", worker(bundled("main.mjs"), argv)]),
      run(["-e", worker(code("main.cjs"), `eval: true, ${argv}`), readme]),
    );
  });

  test("by a host that has fixed how stacks are prepared", async () => {
    const fixed = `Object.defineProperty(Error, "prepareStackTrace", { value: undefined });`;
    await notFromHere(run(["-e", fixed + code("main.cjs"), readme]));
  });

  test("by a host that left an argument in the place of the script", async () => {
    const hosted = `process.argv[1] = ${JSON.stringify(readme)}; ${code("main.cjs")}`;
    await writeTree(at("host"), { "index.cjs": hosted });
    await notFromHere(run([at("host/index.cjs")]));
  });
});

describe("a path that a bundler has written into the code is not searched", () => {
  const webpacked = (file: string): BuildOptions => ({
    define: { "import.meta.url": JSON.stringify(pathToFileURL(at(file)).href) },
  });

  test.each(["mjs", "cjs"])("that of the library where it was built (%s)", async (extension) => {
    const library = "builder/node_modules/codex-app-server-sdk";
    await plant("builder");
    // Whoever plants a runtime can plant the library beside it.
    await writeTree(at(library), {
      "package.json": '{"name":"codex-app-server-sdk"}',
      "dist/lib/index.js": "",
    });
    const name = `webpacked.${extension}`;
    await bundleTo(`app/dist/${name}`, webpacked(`${library}/dist/lib/index.js`));
    expect(await run([bundled(name)])).toBe("BINARY_NOT_FOUND");
    expect(await run(["-e", code(name), "README.md"])).toBe("BINARY_NOT_FOUND");
    expect(wasStarted("builder")).toBe(false);
  });

  test("that of the sources in a source map", async () => {
    await plant("sources");
    await bundleTo("app/dist/mapped.mjs", {
      sourcemap: true,
      sourceRoot: at("sources"),
    });
    expect(await run(["--enable-source-maps", bundled("mapped.mjs")])).toBe("BINARY_NOT_FOUND");
    expect(wasStarted("sources")).toBe(false);
  });
});

describe("a runtime that belongs to the application", () => {
  /** Bundles into a directory with a runtime. What it starts there is no server, and ends. */
  async function application(directory: string, name: string): Promise<void> {
    await plant(directory);
    await bundleTo(`${directory}/${name}`);
  }

  test.each<[string, string, (main: string) => readonly string[]]>([
    ["an ES module", "dist/main.mjs", (main) => [main]],
    ["a CommonJS module", "dist/main.cjs", (main) => [main]],
    ["an import of node -e", "main.mjs", (main) => ["-e", `import(${JSON.stringify(main)})`]],
  ])("is started: %s", async (kind, name, args) => {
    const directory = `applications/${kind.replaceAll(" ", "-")}`;
    await application(directory, name);
    expect(await run(args(at(directory, name)))).toBe("HANDSHAKE_FAILED");
    expect(wasStarted(directory)).toBe(true);
    expect(wasStarted("repository")).toBe(false);
  });

  test("is started: beside the main script, by a library that lies elsewhere", async () => {
    for (const name of ["main.mjs", "main.cjs"]) {
      const directory = `linked-${name}`;
      await plant(directory);
      await writeTree(at(directory), { "cli.cjs": code(name) });
      expect(await run([at(directory, "cli.cjs")])).toBe("HANDSHAKE_FAILED");
      expect(wasStarted(directory)).toBe(true);
    }
  });

  test("is started: behind the link, and beside the link, of a program's name", async () => {
    await plant("tool");
    await writeTree(at("tool"), { "cli.cjs": code("main.cjs") });
    await mkdir(at("bin"));
    await symlink(at("tool/cli.cjs"), at("bin/tool"));
    expect(await run([at("bin/tool")])).toBe("HANDSHAKE_FAILED");
    expect(wasStarted("tool")).toBe(true);

    await plant("workspace");
    await writeTree(at("elsewhere"), { "cli.cjs": code("main.cjs") });
    await mkdir(at("workspace/node_modules/.bin"));
    await symlink(at("elsewhere/cli.cjs"), at("workspace/node_modules/.bin/tool"));
    expect(await run([at("workspace/node_modules/.bin/tool")])).toBe("HANDSHAKE_FAILED");
    expect(wasStarted("workspace")).toBe(true);
  });

  test("of the library comes before that of the main script", async () => {
    await application("own", "main.cjs");
    await plant("other");
    await writeTree(at("other"), { "cli.cjs": `require(${JSON.stringify(at("own/main.cjs"))})` });
    expect(await run([at("other/cli.cjs")])).toBe("HANDSHAKE_FAILED");
    expect([wasStarted("own"), wasStarted("other")]).toEqual([true, false]);
  });
});

describe("a program of that name in the working directory", () => {
  const relative = ["", ".", "node_modules/.bin", "./bin", "../repository"];

  beforeAll(async () => {
    const program = '#!/bin/sh\n: > "$0.started"\n';
    for (const directory of relative) {
      await writeTree(at("repository", directory), { planted: program });
    }
  });

  test.each(["codexPath", "launch"])("is not started for a bare name: %s", async (option) => {
    for (const PATH of ["", `${relative.join(":")}:`]) {
      const options =
        option === "launch" ? { launch: { command: "planted" } } : { codexPath: "planted" };
      const env = { PATH, HOST_OPTIONS: JSON.stringify(options) };
      expect(await run([bundled("main.mjs")], { env })).toBe("BINARY_NOT_FOUND");
    }
    // The directory that the server is to run in is as little asked for.
    const options = { launch: { command: "planted" }, cwd: at("repository") };
    const env = { PATH: ".:", HOST_OPTIONS: JSON.stringify(options) };
    expect(await run([bundled("main.mjs")], { cwd: "app", env })).toBe("BINARY_NOT_FOUND");
    for (const directory of relative) {
      expect(existsSync(at("repository", directory, "planted.started"))).toBe(false);
    }
  });
});
