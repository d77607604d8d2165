import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { runtimeTarget, type RuntimeTarget } from "../../../lib/runtime/platform.js";
import { CommandFailedError, runCommand, type RunCommand } from "../../../scripts/run-command.js";
import { disk } from "../../../scripts/update-artifacts/disk.js";
import { parseOptions } from "../../../scripts/update-artifacts/options.js";
import type { Tools } from "../../../scripts/update-artifacts/tools.js";
import { updateArtifacts } from "../../../scripts/update-artifacts/update-artifacts.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { platformPackage, programs, writeTree } from "../runtime/file-tree.js";
import { FakeRegistry, mainPackage } from "./fake-registry.js";

export const packageJson = `{
  "name": "p",
  "peerDependencies": { "@openai/codex": ">=0.1.0" },
  "devDependencies": {
    "@openai/codex": "0.9.0",
    "typescript": "5.9.3"
  }
}
`;

export const changelog = `# Changelog

## [Unreleased]

### Added

- Something of ours.

## [0.1.0]

- The first one.
`;

/** This machine, as the releases call it. */
export const machine: RuntimeTarget = (() => {
  const target = runtimeTarget(process.platform, process.arch);
  if (!target) throw new Error("There is no runtime for this machine");
  return target;
})();

const own = `${machine.platform}-${machine.arch}`;

/**
 * A project of a few small files that pins release 0.9.0, a registry with 1.2.3 and 1.3.0, and programs
 * that do in no time what the real ones do. `tar` is the real one.
 */
export class FakeProject {
  readonly root: string;
  readonly registry: FakeRegistry;
  /** What was run and asked, in order. */
  readonly calls: string[] = [];
  /** Called at each of them; may throw, wait, or end the update. */
  onCall: (call: string) => void | Promise<void> = () => undefined;
  readonly lines: string[] = [];
  readonly progress: string[] = [];
  /** What tsc prints; it fails when that is not empty. */
  typeErrors = "";
  realTestsPass = true;
  /** Whether the sources have declarations to report. */
  apiWorks = true;
  /** What the generator says besides. */
  generatorNotes = "";
  readonly #temp: TempDir;

  private constructor(temp: TempDir, registry: FakeRegistry) {
    this.#temp = temp;
    this.root = path.join(temp.path, "project");
    this.registry = registry;
  }

  /** One that another process has made, and left behind. */
  static async at(root: string): Promise<FakeProject> {
    const folder = path.dirname(root);
    const remove = () => disk.rm(folder, { recursive: true, force: true });
    const temp = { path: folder, remove, [Symbol.asyncDispose]: remove };
    return new FakeProject(temp, await FakeRegistry.make());
  }

  static async make(): Promise<FakeProject> {
    const temp = await makeTempDir();
    const registry = await FakeRegistry.make();
    const project = new FakeProject(temp, registry);
    await writeTree(project.root, {
      "package.json": packageJson,
      "package-lock.json": `${JSON.stringify({ lockfileVersion: 3, packages: { "node_modules/other": { version: "1.0.0" } } }, null, 2)}\n`,
      "CHANGELOG.md": changelog,
      "lib/index.ts": "export const a = 1;\n",
      "generated/runtime.ts": 'export const RUNTIME_VERSION = "0.9.0";\n',
      "generated/schemas/gone.json": "{}\n",
      "docs/api/report.md": "0.9.0\n",
      "docs/coverage.md": "0.9.0\n",
      "docs/other.md": "by hand\n",
      "vendor-bin/README.md": "by hand\n",
      "vendor-bin/manifest.json": "{}\n",
      "node_modules/other/package.json": "{}",
      ...mainPackage("node_modules/@openai/codex", "0.9.0"),
      ...platformPackage(`node_modules/${machine.packageName}`, machine.triple, program()),
    });
    const platform = path.join(project.root, "node_modules", machine.packageName, "package.json");
    await writeFile(platform, JSON.stringify({ name: "@openai/codex", version: `0.9.0-${own}` }));
    await registry.lock(project.root);
    return project;
  }

  /** Runs the command with arguments as a user gives them. */
  async update(...args: readonly string[]): Promise<string> {
    return this.updateWith({}, ...args);
  }

  /** Resolves with what was printed. */
  async updateWith(tools: Partial<Tools>, ...args: readonly string[]): Promise<string> {
    const options = parseOptions(args, this.root);
    if (options === "help") throw new Error("unexpected");
    const from = this.lines.length;
    await updateArtifacts(options, { ...this.tools(), ...tools });
    return this.lines.slice(from).join("\n");
  }

  tools(): Tools {
    const ask = async (call: string): Promise<void> => {
      this.calls.push(call);
      await this.onCall(call);
    };
    return {
      run: this.run,
      disk,
      protocol: {
        fetchRuntime: async (version) => {
          const installed = path.join(this.root, "node_modules/@openai/codex/package.json");
          const text = await readFile(installed, "utf8").catch(() => "");
          if (text.includes(`"${version}"`)) return installed;
          await ask(`fetch ${version}`);
          return `fetched ${version}`;
        },
        describe: async (before, after) => {
          await ask("compare protocols");
          return `* changed from ${this.#nameOf(before)} to ${this.#nameOf(after)}`;
        },
      },
      checkStart: async (binary, version) => {
        await ask(`start ${version}`);
        await stat(binary);
      },
      sizeOf: () => Promise.resolve(undefined),
      log: (line) => this.lines.push(line),
      onProgress: (spec, bytes) => this.progress.push(`${spec} ${bytes}`),
      signal: new AbortController().signal,
    };
  }

  #nameOf(binary: string): string {
    if (binary.startsWith(path.join(this.root, ".update-artifacts"))) return "the copy";
    return binary.startsWith(this.root) ? "the installed one" : binary;
  }

  readonly run: RunCommand = async (command, args, options) => {
    const call = nameOf(command, args);
    this.calls.push(call);
    await this.onCall(call);
    options.signal?.throwIfAborted();
    if (command === "npm") return this.#npm(args, options.cwd);
    if (command === "tar") return runCommand(command, args, options);
    return this.#script(call, command, args, options.cwd);
  };

  async #npm(
    [verb, spec = "", last = "", ...rest]: readonly string[],
    cwd: string,
  ): Promise<string> {
    if (verb === "view") {
      const answer = this.registry.view(spec, last);
      return answer === undefined ? "" : JSON.stringify(answer);
    }
    if (verb === "install") {
      await this.registry.lock(cwd);
      return "";
    }
    const tarball = this.registry.tarball(spec.replace("@openai/codex@", ""));
    await writeFile(path.join(rest[0] ?? "", "packed.tgz"), tarball);
    return "packed.tgz\n";
  }

  async #script(
    call: string,
    command: string,
    args: readonly string[],
    cwd: string,
  ): Promise<string> {
    const version = await pinIn(cwd);
    switch (call) {
      case "generate": {
        const { rm } = disk;
        await rm(path.join(cwd, "generated/schemas/gone.json"), { force: true });
        await writeTree(cwd, {
          "generated/runtime.ts": `export const RUNTIME_VERSION = "${version}";\n`,
          "generated/new/added.ts": "export {};\n",
        });
        return this.generatorNotes;
      }
      case "tsc":
        if (this.typeErrors === "") return "";
        throw new CommandFailedError(command, args, 2, this.typeErrors, "");
      case "api":
        if (!this.apiWorks) throw new CommandFailedError(command, args, 1, "", "no declarations");
        await writeFile(path.join(cwd, "docs/api/report.md"), `${version}\n`);
        return "";
      case "coverage":
        await writeFile(path.join(cwd, "docs/coverage.md"), `${version}\n`);
        return "";
      case "real tests":
        if (this.realTestsPass) return "";
        throw new CommandFailedError(command, args, 1, "", "1 failed");
      default:
        return "";
    }
  }

  read(name: string): Promise<string> {
    return readFile(path.join(this.root, name), "utf8");
  }

  async write(name: string, text: string): Promise<void> {
    const file = path.join(this.root, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** A line for each file, folder and link of the project: mode and content. */
  async tree(): Promise<string[]> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true });
    const lines = entries.map(async (entry) => {
      const place = path.join(entry.parentPath, entry.name);
      const name = path.relative(this.root, place);
      if (entry.isSymbolicLink()) return `${name} -> ${await readlink(place)}`;
      if (!entry.isFile()) return `${name}/`;
      const { mode } = await stat(place);
      const hash = createHash("sha256")
        .update(await readFile(place))
        .digest("hex");
      return `${name} ${mode.toString(8)} ${hash}`;
    });
    return (await Promise.all(lines)).sort();
  }

  remove(): Promise<void> {
    return this.#temp.remove();
  }
}

function program(): Buffer {
  if (machine.platform === "linux") {
    return machine.arch === "x64" ? programs.linuxX64 : programs.linuxArm64;
  }
  return machine.platform === "darwin" ? programs.macOs : programs.windows;
}

async function pinIn(folder: string): Promise<string> {
  const text = await readFile(path.join(folder, "package.json"), "utf8");
  return /"devDependencies"[^}]*"@openai\/codex": "([^"]*)"/.exec(text)?.[1] ?? "";
}

/** What a test calls a program: `"npm pack @openai/codex@1.2.3"`, `"generate"`. */
function nameOf(command: string, args: readonly string[]): string {
  if (command === "npm") return `npm ${args.slice(0, args[0] === "view" ? 3 : 2).join(" ")}`;
  if (command === "tar") return "tar";
  const script = args.find((arg) => arg.startsWith("scripts/"));
  if (script !== undefined) return script.split("/")[1] ?? "";
  return args.some((arg) => arg.endsWith("jest.js")) ? "real tests" : "tsc";
}
