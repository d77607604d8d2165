import { describe, expect, test } from "@jest/globals";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { RUNTIME_VERSION } from "../../../generated/runtime.js";
import { triedReleases } from "../../support/sentences/tried-releases.js";
import { installPinned } from "../../../scripts/registry/install-pinned.js";
import { parseMatrixOptions } from "../../matrix/options.js";
import { table } from "../../matrix/table.js";
import { byFeature } from "../../runtimes/not-offered.js";
import { makeTempDir } from "../../support/temp-dir.js";

const root = path.resolve(import.meta.dirname, "../../..");

describe("the command line", () => {
  const parse = (...args: string[]) => parseMatrixOptions(args, "node", ["20", "22", "24"]);

  test("without a choice takes them all, and gives the rest to jest", () => {
    expect(parse("tests/unit", "-t", "steers")).toEqual({
      chosen: ["20", "22", "24"],
      jestArgs: ["tests/unit", "-t", "steers"],
    });
  });

  test("takes a choice in either spelling, more than once, in the order given", () => {
    expect(parse("--node", "24", "tests/unit", "--node=20", "--node", "24")).toEqual({
      chosen: ["24", "20"],
      jestArgs: ["tests/unit"],
    });
  });

  test.each([[["--node", "18"]], [["--node"]], [["--node="]]])("refuses %j", (args) => {
    expect(() => parse(...args)).toThrow("--node must be one of 20, 22, 24");
  });
});

describe("what is installed for the matrix", () => {
  test("comes by npm ci, with its checksums, once for each lock file", async () => {
    await using manifests = await makeTempDir();
    await using cache = await makeTempDir();
    const write = (name: string, text: string) =>
      writeFile(path.join(manifests.path, name), `${text}\n`);
    await write("package.json", "{}");
    await write("package-lock.json", '{ "lockfileVersion": 3 }');
    const into = path.join(cache.path, "node-matrix");
    const runs: string[] = [];
    const install = () =>
      installPinned(manifests.path, into, async (command, args, { cwd }) => {
        runs.push([command, ...args].join(" "));
        await mkdir(path.join(cwd, "node_modules"), { recursive: true });
        const lock = path.join(cwd, "package-lock.json");
        await copyFile(lock, path.join(cwd, "node_modules", ".package-lock.json"));
        return "";
      });
    expect(await install()).toBe(path.join(into, "node_modules"));
    await install();
    expect(runs).toEqual(["npm ci --ignore-scripts --include=optional"]);
    await write("package-lock.json", '{ "lockfileVersion": 3, "packages": {} }');
    await install();
    expect(runs).toHaveLength(2);
  });

  test.each(["tests/matrix/nodes", "tests/runtimes/releases"])(
    "is pinned exactly and by checksum in %s",
    async (folder) => {
      const read = async (name: string) =>
        JSON.parse(await readFile(path.join(root, folder, name), "utf8")) as Manifest;
      const { optionalDependencies = {} } = await read("package.json");
      const { packages = {} } = await read("package-lock.json");
      expect(Object.keys(optionalDependencies).length).toBeGreaterThan(0);
      for (const [name, spec] of Object.entries(optionalDependencies)) {
        const locked = packages[`node_modules/${name}`];
        expect(spec).toBe(`npm:${locked?.name ?? ""}@${locked?.version ?? ""}`);
        expect(locked?.integrity).toMatch(/^sha512-/);
      }
    },
  );
});

test("every release whose sentences were tried is installed for the runs, or the pinned one", async () => {
  const file = path.join(root, "tests/runtimes/releases/package.json");
  const { optionalDependencies = {} } = JSON.parse(await readFile(file, "utf8")) as Manifest;
  const releases = Object.values(optionalDependencies).map((spec) => /@([\d.]+)-/.exec(spec)?.[1]);
  const older = triedReleases.filter((release) => isOlder(release, RUNTIME_VERSION));
  expect(older.filter((release) => !releases.includes(release))).toEqual([]);
});

function isOlder(release: string, other: string): boolean {
  return release.localeCompare(other, "en", { numeric: true }) < 0;
}

interface Manifest {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly packages?: Readonly<
    Record<string, { name: string; version: string; integrity: string } | undefined>
  >;
}

test("a table has columns as wide as what is in them", () => {
  expect(table(["Node", "n"], [["v20.1.0", "1"]])).toBe(
    ["| Node    | n   |", "| ------- | --- |", "| v20.1.0 | 1   |"].join("\n"),
  );
});

test("skipped tests are counted by what they wanted, and must say what", () => {
  const skipped = [
    "sections tell [not offered: thread/section/changed]",
    "a [not offered: model/list]",
    "sections ask [not offered: thread/section/changed]",
    "just skipped",
  ];
  expect(byFeature(skipped)).toEqual({
    features: ["model/list (1 test)", "thread/section/changed (2 tests)"],
    unexplained: ["just skipped"],
  });
});
