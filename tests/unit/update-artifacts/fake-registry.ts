import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { runtimeTargets } from "../../../lib/runtime/platform.js";
import { runCommand } from "../../../scripts/run-command.js";
import { makeTempDir } from "../../support/temp-dir.js";
import {
  codexPackage,
  platformPackage,
  programs,
  writeTree,
  type Entry,
} from "../runtime/file-tree.js";

/** The kind of program that each machine starts, as far as we look. */
const programFor: Readonly<Record<string, Buffer>> = {
  "linux-x64": programs.linuxX64,
  "linux-arm64": programs.linuxArm64,
  "darwin-x64": programs.macOs,
  "darwin-arm64": programs.macOs,
  "win32-x64": programs.windows,
  "win32-arm64": programs.windows,
};

/** The package that names those of the platforms. */
export function mainPackage(folder: string, version: string): Record<string, Entry> {
  const description = { name: "@openai/codex", version, bin: { codex: "bin/codex.js" } };
  return {
    ...codexPackage(folder, version),
    [`${folder}/package.json`]: JSON.stringify(description),
  };
}

let packed: Promise<ReadonlyMap<string, Buffer>> | undefined;

/** Tarballs of releases with tiny packages, and what the registry says of them. */
export class FakeRegistry {
  readonly tags: Record<string, string> = { latest: "1.2.3", next: "2.0.0" };
  readonly #tarballs = new Map<string, Buffer>();
  /** What npm writes into lock files in the place of the checksum. */
  lockedIntegrity: string | undefined;
  /** Target triples that no release has a package for. */
  readonly dropped = new Set<string>();
  /** What is delivered in the place of the right one. */
  readonly #delivered = new Map<string, Buffer>();

  /** With releases 0.9.0, 1.2.3 and 1.3.0, which are packed once for all tests of a file. */
  static async make(): Promise<FakeRegistry> {
    packed ??= FakeRegistry.#packAll("0.9.0", "1.2.3", "1.3.0");
    const registry = new FakeRegistry();
    for (const [version, tarball] of await packed) registry.#tarballs.set(version, tarball);
    return registry;
  }

  static async #packAll(...versions: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    await using temp = await makeTempDir();
    const folder = temp.path;
    const registry = new FakeRegistry();
    for (const version of versions) {
      await registry.#pack(path.join(folder, version), version, mainPackage("package", version));
      for (const { triple, platform, arch } of runtimeTargets) {
        const name = `${platform}-${arch}`;
        const program = programFor[name] ?? programs.linuxX64;
        const tree = platformPackage("package", triple, program);
        const own = `${version}-${name}`;
        tree["package/package.json"] = JSON.stringify({ name: "@openai/codex", version: own });
        await registry.#pack(path.join(folder, own), own, tree);
      }
    }
    return registry.#tarballs;
  }

  async #pack(folder: string, version: string, tree: Parameters<typeof writeTree>[1]) {
    await writeTree(folder, tree);
    await runCommand("tar", ["-czf", "packed.tgz", "package"], { cwd: folder });
    this.#tarballs.set(version, await readFile(path.join(folder, "packed.tgz")));
  }

  tarball(version: string): Buffer {
    const tarball = this.#delivered.get(version) ?? this.#tarballs.get(version);
    if (!tarball) throw new Error(`npm error code E404: ${version}`);
    return tarball;
  }

  integrity(version: string): string | undefined {
    const tarball = this.#tarballs.get(version);
    return tarball && `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  }

  deliver(version: string, change: (tarball: Buffer) => Buffer): void {
    this.#delivered.set(version, change(this.tarball(version)));
  }

  /** Publishes another version's tarball under a version, with its checksum. */
  replace(version: string, by: string): void {
    this.#tarballs.set(version, this.tarball(by));
  }

  view(spec: string, field: string): unknown {
    if (field === "dist-tags") return this.tags;
    const version = spec.replace("@openai/codex@", "");
    if (field === "dist.integrity") return this.integrity(version);
    if (!this.#tarballs.has(version)) throw new Error("npm error code E404");
    const targets = runtimeTargets.filter(({ triple }) => !this.dropped.has(triple));
    return Object.fromEntries(
      targets.map(({ packageName, platform, arch }) => [
        packageName,
        `npm:@openai/codex@${version}-${platform}-${arch}`,
      ]),
    );
  }

  /** What npm does to the lock file when package.json has another release. */
  async lock(folder: string): Promise<void> {
    const pinned = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as {
      devDependencies: Record<string, string>;
    };
    const version = pinned.devDependencies["@openai/codex"] ?? "";
    const file = path.join(folder, "package-lock.json");
    const lock = JSON.parse(await readFile(file, "utf8")) as { packages: Record<string, object> };
    const integrity = this.lockedIntegrity ?? this.integrity(version);
    lock.packages["node_modules/@openai/codex"] = { version, integrity };
    for (const { packageName, platform, arch } of runtimeTargets) {
      const own = `${version}-${platform}-${arch}`;
      lock.packages[`node_modules/${packageName}`] = {
        version: own,
        integrity: this.integrity(own),
      };
    }
    await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
  }
}
