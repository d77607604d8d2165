import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { findRuntime } from "../../../lib/runtime/find-runtime.js";
import { runtimeTargets } from "../../../lib/runtime/platform.js";
import { runCommand, type RunCommand } from "../../../scripts/update-artifacts/command.js";
import { parseOptions, type UpdateOptions } from "../../../scripts/update-artifacts/options.js";
import { updateArtifacts } from "../../../scripts/update-artifacts/update-artifacts.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { platformPackage, programs, writeTree } from "./file-tree.js";

const linux = "x86_64-unknown-linux-musl";
const packageJson = `{
  "name": "p",
  "peerDependencies": { "@openai/codex": ">=0.1.0" },
  "devDependencies": {
    "@openai/codex": "0.9.0",
    "typescript": "5.9.3"
  }
}
`;

let temp: TempDir;
let root: string;
let registry: Registry;

beforeEach(async () => {
  temp = await makeTempDir();
  root = path.join(temp.path, "project");
  await writeTree(root, { "package.json": packageJson });
  registry = await Registry.make(path.join(temp.path, "registry"));
});

afterEach(async () => {
  await temp.remove();
});

/** Answers the npm commands we use from a directory of tarballs; everything else really runs. */
class Registry {
  readonly calls: string[] = [];
  readonly tags: Record<string, string> = { latest: "1.2.3", next: "2.0.0" };
  /** Tarballs by version of the package. */
  readonly #tarballs = new Map<string, Buffer>();
  readonly #corrupted = new Map<string, Buffer>();

  static async make(directory: string): Promise<Registry> {
    const registry = new Registry();
    for (const { triple, platform, arch } of runtimeTargets) {
      const name = `${platform}-${arch}`;
      await writeTree(
        path.join(directory, name),
        platformPackage("package", triple, programs.linuxX64),
      );
      await runCommand("tar", ["-czf", "../packed.tgz", "package"], {
        cwd: path.join(directory, name),
      });
      registry.#tarballs.set(`1.2.3-${name}`, await readFile(path.join(directory, "packed.tgz")));
    }
    return registry;
  }

  /** Makes `npm pack` deliver something else than the checksum is of. */
  corrupt(version: string): void {
    this.#corrupted.set(version, Buffer.from("not that tarball"));
  }

  readonly run: RunCommand = async (command, args, options) => {
    if (command !== "npm") return runCommand(command, args, options);
    this.calls.push(args.join(" "));
    const [verb, spec = "", last = ""] = args;
    if (verb === "view") {
      const answer = this.#view(spec, last);
      return answer === undefined ? "" : JSON.stringify(answer);
    }
    const version = spec.replace("@openai/codex@", "");
    const tarball = this.#corrupted.get(version) ?? this.#tarballs.get(version);
    if (verb !== "pack" || tarball === undefined) throw new Error(`npm ${args.join(" ")} failed`);
    await writeFile(path.join(args[3] ?? "", "packed.tgz"), tarball);
    return "packed.tgz\n";
  };

  #view(spec: string, field: string): unknown {
    if (field === "dist-tags") return this.tags;
    const version = spec.replace("@openai/codex@", "");
    if (field === "optionalDependencies") {
      if (version !== "1.2.3") throw new Error("npm error code E404");
      return Object.fromEntries(
        runtimeTargets.map(({ packageName, platform, arch }) => [
          packageName,
          `npm:@openai/codex@1.2.3-${platform}-${arch}`,
        ]),
      );
    }
    const tarball = this.#tarballs.get(version);
    return tarball && `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  }
}

async function update(options: Partial<UpdateOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  const defaults = parseOptions([], root);
  if (defaults === "help") throw new Error("unexpected");
  await updateArtifacts({ ...defaults, ...options }, registry.run, (line) => lines.push(line));
  return lines;
}

const read = (name: string) => readFile(path.join(root, name), "utf8");

describe("without a bundle", () => {
  test("writes the manifest and the pin, and says what to run next", async () => {
    expect(await update()).toEqual([
      "@openai/codex 1.2.3",
      "  manifest.json: updated",
      "  package.json: updated",
      "Now run: npm install && npm run generate",
    ]);
    const manifest: unknown = JSON.parse(await read("vendor-bin/manifest.json"));
    expect(manifest).toMatchObject({ runtimeVersion: "1.2.3", package: "@openai/codex" });
    expect(manifest).toHaveProperty(["platforms", linux, "version"], "1.2.3-linux-x64");
    expect(Object.keys((manifest as { platforms: object }).platforms)).toHaveLength(6);
    expect(await read("package.json")).toBe(
      packageJson.replace('"@openai/codex": "0.9.0"', '"@openai/codex": "1.2.3"'),
    );
    expect(registry.calls.filter((call) => call.startsWith("pack"))).toEqual([]);
  });

  test("changes nothing the second time", async () => {
    await update();
    expect(await update()).toEqual([
      "@openai/codex 1.2.3",
      "  manifest.json: up to date",
      "  package.json: up to date",
    ]);
  });

  test("writes nothing in a dry run", async () => {
    expect(await update({ dryRun: true, bundle: "all" })).toContain(
      "  manifest.json: would be updated",
    );
    expect(await read("package.json")).toBe(packageJson);
    expect(await readdir(root)).toEqual(["package.json"]);
    expect(registry.calls.filter((call) => call.startsWith("pack"))).toEqual([]);
  });

  test("takes the release of a channel, and names the channels when there is no such one", async () => {
    await expect(update({ channel: "alpha" })).rejects.toThrow(
      '@openai/codex has no release tagged "alpha"; there are: latest, next.',
    );
    registry.tags.alpha = "1.2.3";
    expect((await update({ channel: "alpha" }))[0]).toBe("@openai/codex 1.2.3");
  });

  test("takes an exact version, and says when it is not published", async () => {
    expect((await update({ version: "1.2.3" }))[0]).toBe("@openai/codex 1.2.3");
    expect(registry.calls).not.toContain("view @openai/codex dist-tags --json");
    await expect(update({ version: "9.9.9" })).rejects.toThrow(
      "@openai/codex@9.9.9 is not published, or has no platform packages.",
    );
  });

  test("refuses a package.json without the dependency", async () => {
    await writeFile(path.join(root, "package.json"), '{ "devDependencies": {} }');
    await expect(update()).rejects.toThrow("has no dev dependency on @openai/codex");
  });

  test("leaves package.json alone when another directory was asked for", async () => {
    const vendorDir = path.join(temp.path, "elsewhere");
    expect(await update({ vendorDir })).not.toContain("  package.json: updated");
    expect(await readdir(vendorDir)).toEqual(["manifest.json"]);
    expect(await read("package.json")).toBe(packageJson);
  });
});

describe("with a bundle", () => {
  test("every platform's binaries are there, and the finder uses this machine's", async () => {
    await update({ bundle: "all" });
    const names = [...runtimeTargets.map(({ triple }) => triple), "manifest.json"].sort();
    expect((await readdir(path.join(root, "vendor-bin"))).sort()).toEqual(names);
    const host = { platform: "linux", arch: "x64", startDirs: [] } as const;
    const runtime = await findRuntime({ env: {}, packageRoot: root, ...host });
    expect(runtime).toEqual({
      command: path.join(root, "vendor-bin", linux, "bin/codex"),
      args: [],
      helperDir: path.join(root, "vendor-bin", linux, "codex-path"),
      source: "vendor-bin",
    });
  });

  test("only this machine's binaries are fetched when not asked for more", async () => {
    await update({ bundle: "this-machine" });
    expect(registry.calls.filter((call) => call.startsWith("pack"))).toHaveLength(1);
    expect(await readdir(path.join(root, "vendor-bin"))).toHaveLength(2);
  });

  test("what is there already is not fetched again", async () => {
    await update({ bundle: "all" });
    registry.calls.length = 0;
    const lines = await update({ bundle: "all" });
    expect(registry.calls.filter((call) => call.startsWith("pack"))).toEqual([]);
    expect(lines).toContain(`  ${linux}/: up to date`);
  });

  test("an older bundle, and what an interrupted run left, are replaced as a whole", async () => {
    await writeTree(root, {
      [`vendor-bin/${linux}/bin/old`]: "x",
      [`vendor-bin/${linux}/.integrity`]: "sha512-old",
      "vendor-bin/.update-left/packed.tgz": "x",
    });
    await update({ bundle: "all" });
    expect(await readdir(path.join(root, "vendor-bin", linux, "bin"))).toEqual(["codex"]);
    expect(await readdir(path.join(root, "vendor-bin"))).not.toContain(".update-left");
  });

  test("a tarball with another checksum is refused, and leaves everything as it was", async () => {
    await writeTree(root, { [`vendor-bin/${linux}/bin/codex`]: "old" });
    registry.corrupt("1.2.3-linux-x64");
    await expect(update({ bundle: "all" })).rejects.toThrow(
      "The tarball of @openai/codex@1.2.3-linux-x64 does not have the checksum that the registry states.",
    );
    expect(await readdir(path.join(root, "vendor-bin"))).toEqual([linux]);
    expect(await read(`vendor-bin/${linux}/bin/codex`)).toBe("old");
    expect(await read("package.json")).toBe(packageJson);
  });
});

describe("the command line", () => {
  const parse = (...args: string[]) => parseOptions(args, "/project");

  test("means the newest stable release without a bundle when it is empty", () => {
    expect(parse()).toEqual({
      version: undefined,
      channel: "stable",
      bundle: "none",
      dryRun: false,
      root: "/project",
      vendorDir: "/project/vendor-bin",
    });
  });

  test("takes every option", () => {
    expect(parse("--channel", "alpha", "--bundle", "--dry-run")).toMatchObject({
      channel: "alpha",
      bundle: "this-machine",
      dryRun: true,
    });
    expect(parse("--version", "1.2.3-alpha.4", "--bundle-all-platforms")).toMatchObject({
      version: "1.2.3-alpha.4",
      bundle: "all",
    });
    expect(parse("--vendor-dir", "/elsewhere")).toMatchObject({ vendorDir: "/elsewhere" });
    expect(parse("--help")).toBe("help");
  });

  test.each([
    [["--version", "latest"], "--version must be an exact version"],
    [["--channel", "nightly"], "--channel must be stable or alpha"],
    [["--channel", "stable", "--version", "1.2.3"], "not both"],
    [["--unknown"], "--unknown"],
    [["stray"], "stray"],
  ])("refuses %j", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  test("reports a command that fails with what it said", async () => {
    const cwd = path.join(temp.path, "cwd");
    await mkdir(cwd);
    await expect(runCommand("tar", ["-xzf", "none.tgz"], { cwd })).rejects.toThrow(
      /^tar -xzf none\.tgz failed with code \d+:\n.*none\.tgz/s,
    );
    await expect(runCommand("no-such-command", [], { cwd })).rejects.toThrow(
      "no-such-command could not be started",
    );
  });
});
