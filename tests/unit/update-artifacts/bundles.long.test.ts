import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { findRuntime } from "../../../lib/runtime/find-runtime.js";
import { runtimeTargets } from "../../../lib/runtime/platform.js";
import { writeTree } from "../runtime/file-tree.js";
import { FakeProject, machine } from "./fake-project.js";

const own = `1.2.3-${machine.platform}-${machine.arch}`;
const other = runtimeTargets.find(({ triple }) => triple !== machine.triple) ?? machine;

let project: FakeProject;

beforeEach(async () => {
  project = await FakeProject.make();
});

afterEach(async () => {
  await project.remove();
});

const packs = (): string[] => project.calls.filter((call) => call.startsWith("npm pack"));
const bundles = async (folder = "vendor-bin"): Promise<string[]> =>
  (await readdir(path.join(project.root, folder))).sort();

describe("bundles", () => {
  test("of every platform are there, and the finder uses this machine's", async () => {
    const said = await project.update("--bundle-all-platforms");
    const triples = runtimeTargets.map(({ triple }) => triple);
    expect(await bundles()).toEqual(["README.md", "manifest.json", ...triples].sort());
    expect(said).toContain(`${machine.triple}/ verified, unpacked and started`);
    expect(said).toContain(`${other.triple}/ verified and unpacked`);
    const folder = path.join(project.root, "vendor-bin", machine.triple);
    const runtime = await findRuntime({ env: {}, packageRoot: project.root, startDirs: [] });
    expect(runtime).toMatchObject({
      source: "vendor-bin",
      helperDir: path.join(folder, "codex-path"),
    });
    expect(runtime.command.startsWith(path.join(folder, "bin"))).toBe(true);
  });

  test("are made of every platform that the release has a package for, and another one is told", async () => {
    project.registry.dropped.add(other.triple);
    expect(await project.update("--dry-run")).toContain(`${other.triple}: no package any more`);
    const said = await project.update("--bundle-all-platforms");
    expect(said).toContain(`leaves this to do by hand:\n  ${other.triple}: 1.2.3 has no package`);
    const triples = runtimeTargets.map(({ triple }) => triple);
    const left = triples.filter((triple) => triple !== other.triple);
    expect(await bundles()).toEqual(["README.md", "manifest.json", ...left].sort());
    const { platforms } = JSON.parse(await project.read("vendor-bin/manifest.json")) as {
      platforms: object;
    };
    expect(Object.keys(platforms)).toEqual(left);
  });

  test("need a package for this machine, and none is changed without one", async () => {
    const before = await project.tree();
    project.registry.dropped.add(machine.triple);
    await expect(project.update()).rejects.toThrow(
      `@openai/codex 1.2.3 has no package for ${machine.triple}.`,
    );
    expect(await project.tree()).toEqual(before);
  });

  test("of this machine are made of what is installed, so nothing is downloaded twice", async () => {
    await project.update("--bundle");
    expect(packs()).toEqual(["npm pack @openai/codex@1.2.3", `npm pack @openai/codex@${own}`]);
    expect(await bundles()).toEqual(["README.md", "manifest.json", machine.triple].sort());
  });

  test("are started before the project is changed, and a deaf one stops everything", async () => {
    const before = await project.tree();
    project.onCall = async (call) => {
      if (!call.startsWith("start")) return;
      expect(await project.read("package.json")).toContain('"0.9.0"');
      throw new Error("it does not answer");
    };
    await expect(project.update("--bundle")).rejects.toThrow("it does not answer");
    expect(await project.tree()).toEqual(before);
  });

  test("that are there already are not fetched again", async () => {
    await project.update("--bundle-all-platforms");
    project.calls.length = 0;
    expect(await project.update("--bundle-all-platforms")).toContain("Nothing to change");
    expect(packs()).toEqual([]);
  });

  test("of an older release move along, as a whole, though nobody asks for bundles", async () => {
    await writeTree(project.root, {
      [`vendor-bin/${machine.triple}/bin/old`]: "x",
      [`vendor-bin/${machine.triple}/.integrity`]: "sha512-old",
    });
    await project.update();
    expect(await bundles(`vendor-bin/${machine.triple}/bin`)).toEqual([
      machine.platform === "win32" ? "codex.exe" : "codex",
    ]);
  });
});

describe("a tarball that is not the published one", () => {
  const changes: [string, (tarball: Buffer) => Buffer][] = [
    [
      "was tampered with in one byte",
      (tarball) => {
        const copy = Buffer.from(tarball);
        copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 1, copy.length >> 1);
        return copy;
      },
    ],
    ["was cut off", (tarball) => tarball.subarray(0, tarball.length - 20)],
    ["is another release's", () => project.registry.tarball("1.3.0")],
  ];

  test.each(
    changes.flatMap(([what, change]) => [
      { what, change, version: "1.2.3" },
      { what, change, version: own },
      { what, change, version: `1.2.3-${other.platform}-${other.arch}` },
    ]),
  )("is refused when $version $what, and everything stays as it was", async (one) => {
    const before = await project.tree();
    project.registry.deliver(one.version, one.change);
    await expect(project.update("--bundle-all-platforms")).rejects.toThrow(
      `The tarball of @openai/codex@${one.version} does not have the checksum that the registry states. ` +
        "It was cut off or tampered with: try again, and if it stays so, do not use it.",
    );
    expect(await project.tree()).toEqual(before);
  });

  test("is refused when it has the checksum, and another platform's runtime in it", async () => {
    const before = await project.tree();
    project.registry.replace(own, `1.2.3-${other.platform}-${other.arch}`);
    await expect(project.update()).rejects.toThrow(
      `@openai/codex@${own} does not hold a runtime for ${machine.triple} in the layout we know.`,
    );
    expect(await project.tree()).toEqual(before);
  });

  test("is not pinned: a lock file with another checksum than the registry's is refused", async () => {
    const before = await project.tree();
    project.registry.lockedIntegrity = "sha512-another";
    await expect(project.update()).rejects.toThrow(
      "package-lock.json would not have the checksum of @openai/codex that the registry states.",
    );
    expect(await project.tree()).toEqual(before);
  });
});

describe("--vendor-dir", () => {
  test("gets the manifest and the bundles, and the project stays as it is", async () => {
    const before = await project.tree();
    const vendorDir = path.join(project.root, "..", "elsewhere");
    await project.update("--vendor-dir", vendorDir, "--bundle");
    expect((await readdir(vendorDir)).sort()).toEqual(["manifest.json", machine.triple].sort());
    expect(await project.tree()).toEqual(before);
    const again = await project.update("--vendor-dir", vendorDir, "--bundle");
    expect(again).toContain("Nothing to change");
  });
});
