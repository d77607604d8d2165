import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmod, link, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { findRuntime } from "../../../lib/runtime/find-runtime.js";
import { FakeProject, machine, packageJson } from "./fake-project.js";

let project: FakeProject;

beforeEach(async () => {
  project = await FakeProject.make();
});

afterEach(async () => {
  await project.remove();
});

describe("npm run update-artifacts", () => {
  test("pins, installs and makes everything anew, and says what changed", async () => {
    const said = await project.update();

    expect(said).toContain("@openai/codex 1.2.3; pinned is 0.9.0.");
    expect(said).toContain(
      "The protocol, codex 0.9.0 to 1.2.3:\n\n* changed from the installed one to the copy",
    );
    expect(said.slice(said.indexOf("Changed:")).split("\n").slice(0, -1)).toEqual([
      "Changed:",
      "  CHANGELOG.md",
      "  docs/coverage.md",
      "  package-lock.json",
      "  package.json",
      "  vendor-bin/manifest.json",
      "  generated/ (3 files)",
      "  docs/api/ (1 file)",
      "  node_modules/@openai/codex/",
      `  node_modules/${machine.packageName}/`,
    ]);
    expect(await project.read("package.json")).toBe(packageJson.replace("0.9.0", "1.2.3"));
    expect(await project.read("generated/runtime.ts")).toContain("1.2.3");
    expect(await readdir(path.join(project.root, "generated"))).not.toContain("gone.json");
    expect(await project.read("docs/api/report.md")).toBe("1.2.3\n");
    const manifest: unknown = JSON.parse(await project.read("vendor-bin/manifest.json"));
    expect(manifest).toMatchObject({ runtimeVersion: "1.2.3", package: "@openai/codex" });
    expect(Object.keys((manifest as { platforms: object }).platforms)).toHaveLength(6);
    expect(await project.read("node_modules/@openai/codex/package.json")).toContain("1.2.3");
    const { command, source } = await findRuntime({
      env: {},
      packageRoot: project.root,
      startDirs: [project.root],
    });
    expect([path.relative(project.root, command).split(path.sep)[0], source]).toEqual([
      "node_modules",
      "npm",
    ]);
  });

  test("writes a lock file with the registry's checksums, and without addresses", async () => {
    await project.update();
    const lock = JSON.parse(await project.read("package-lock.json")) as {
      packages: Record<string, { version: string; integrity?: string; resolved?: string }>;
    };
    expect(lock.packages["node_modules/other"]).toEqual({ version: "1.0.0" });
    expect(lock.packages["node_modules/@openai/codex"]).toEqual({
      version: "1.2.3",
      integrity: project.registry.integrity("1.2.3"),
    });
  });

  test("puts what it prints about the protocol into the changelog, after what is there", async () => {
    await project.update();
    expect(await project.read("CHANGELOG.md")).toContain(
      `- Something of ours.

<!-- codex 0.9.0 to 1.2.3: npm run update-artifacts writes this anew until the next release -->

### Protocol: codex 0.9.0 to 1.2.3

- changed from the installed one to the copy

<!-- end of codex 0.9.0 to 1.2.3 -->

## [0.1.0]`,
    );
  });

  test("changes nothing the second time, downloads nothing, and says so", async () => {
    await project.update();
    const before = await project.tree();
    project.calls.length = 0;

    const said = await project.update();

    expect(said).toContain("Nothing to change: everything is up to date.");
    expect(await project.tree()).toEqual(before);
    expect(project.calls.filter((call) => call.startsWith("npm pack"))).toEqual([]);
    expect(project.calls).not.toContain("compare protocols");
  });

  test("makes anew what was changed by hand, for the release that is pinned already", async () => {
    await project.update();
    await project.write("generated/runtime.ts", "by hand");
    expect(await project.update()).toContain("Changed:\n  generated/ (1 file)");
  });

  test("installs what is missing, though it is pinned already", async () => {
    await project.update();
    const before = await project.tree();
    const binary = `node_modules/${machine.packageName}/vendor/${machine.triple}`;
    await project.tools().disk.rm(path.join(project.root, binary), { recursive: true });
    expect(await project.update()).toContain(`  node_modules/${machine.packageName}/`);
    expect(await project.tree()).toEqual(before);
  });

  test("replaces the changelog's text by one from where the last published package stands", async () => {
    await project.update();
    const said = await project.update("--channel", "1.3.0");

    expect(said).toContain("The protocol, codex 1.2.3 to 1.3.0:");
    expect(said).toContain("CHANGELOG.md tells of all changes since 0.9.0");
    const text = await project.read("CHANGELOG.md");
    expect(text.match(/### Protocol: .*/g)).toEqual(["### Protocol: codex 0.9.0 to 1.3.0"]);
    expect(text).toContain("- changed from fetched 0.9.0 to the copy");

    expect(await project.update("--channel", "0.9.0")).toContain("Changed:");
    expect(await project.read("CHANGELOG.md")).not.toContain("Protocol");
  });

  test("gives the old state back, byte by byte, when it is told to go back", async () => {
    await project.update("--channel", "0.9.0");
    const before = await project.tree();
    await project.update("--channel", "1.2.3");
    const said = await project.update("--channel", "0.9.0");
    expect(said).toContain(
      "CHANGELOG.md says nothing of it: its Unreleased section starts at 0.9.0.",
    );
    expect(await project.tree()).toEqual(before);
  });

  test("replaces files and does not write into them, where others have them by a hard link", async () => {
    const names = ["package.json", "CHANGELOG.md", "node_modules/@openai/codex/package.json"];
    for (const [index, name] of names.entries()) {
      await link(path.join(project.root, name), path.join(project.root, "..", `linked-${index}`));
    }
    const read = () => Promise.all(names.map((_name, index) => project.read(`../linked-${index}`)));
    const before = await read();
    await project.update();
    expect(await read()).toEqual(before);
  });

  test("keeps the mode of files, and makes the launcher executable as npm does", async () => {
    const file = path.join(project.root, "CHANGELOG.md");
    await chmod(file, 0o640);
    await project.update();
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    const launcher = path.join(project.root, "node_modules/@openai/codex/bin/codex.js");
    expect((await stat(launcher)).mode & 0o111).toBe(0o111);
  });

  test("shows how much has arrived of each package", async () => {
    await project.update();
    expect(project.progress).toContain("@openai/codex@1.2.3 0");
    expect(project.progress).toContain(`@openai/codex@1.2.3-${machine.platform}-${machine.arch} 0`);
  });

  test("lists type errors and gaps of ours as things to do, and stands", async () => {
    project.typeErrors = [
      "lib/a.ts(3,5): error TS2345: Not assignable.",
      "  more about it",
      "lib/a.ts(9,5): error TS2345: Nor this.",
      "tests/b.test.ts(1,1): error TS2305: No member.",
    ].join("\n");
    const said = await project.update();
    expect(said).toContain(`The update stands, and leaves this to do by hand:
  lib/a.ts: 2 type errors: line 3, TS2345: Not assignable.
  tests/b.test.ts: a type error: line 1, TS2305: No member.`);
    expect(await project.read("package.json")).toContain('"1.2.3"');
  });

  test("stands without docs/api where the sources have nothing to report any more", async () => {
    project.apiWorks = false;
    const said = await project.update();
    expect(said).toMatch(/  docs\/api could not be made: .* failed with code 1:\nno declarations/);
    expect(await project.read("docs/api/report.md")).toBe("0.9.0\n");
    expect(await project.read("generated/runtime.ts")).toContain("1.2.3");
  });

  test("says what the generator has to say", async () => {
    project.generatorNotes = "x/y has no result type: unknown\n";
    expect(await project.update()).toContain("    x/y has no result type: unknown");
  });

  test("runs the real tests in the copy first, when asked to", async () => {
    project.onCall = async (call) => {
      if (call === "real tests") expect(await project.read("package.json")).toBe(packageJson);
    };
    expect(await project.update("--verify")).toContain("Changed:");
    expect(project.calls.indexOf("build")).toBeLessThan(project.calls.indexOf("real tests"));
  });

  test("changes nothing when a real test fails", async () => {
    const before = await project.tree();
    project.realTestsPass = false;
    await expect(project.update("--verify")).rejects.toThrow(
      "The tests on the real server fail with this release; see above. Nothing was changed.",
    );
    expect(await project.tree()).toEqual(before);
  });

  test("takes the release of a channel, and names the channels when there is no such one", async () => {
    await expect(project.update("--channel", "alpha")).rejects.toThrow(
      '@openai/codex has no release tagged "alpha"; there are: latest, next.',
    );
    project.registry.tags.alpha = "1.3.0";
    expect(await project.update("--channel", "alpha")).toContain("@openai/codex 1.3.0;");
    project.registry.tags.alpha = "^1.3.0";
    await expect(project.update("--channel", "alpha")).rejects.toThrow(
      '@openai/codex has no release tagged "alpha"',
    );
  });

  test("goes back to an older release only when that is named", async () => {
    await project.update("--version", "1.3.0");
    const before = await project.tree();
    for (const args of [[], ["--dry-run"]]) {
      await expect(project.update(...args)).rejects.toThrow(
        "The newest stable release is 1.2.3, and 1.3.0 is pinned, which is newer. Nothing was changed; " +
          "to go back, give --version 1.2.3.",
      );
    }
    expect(await project.tree()).toEqual(before);
    expect(await project.update("--channel", "1.2.3")).toContain("Changed:");
    expect(await project.read("package.json")).toContain('"1.2.3"');
  });

  test("takes an exact version, and says when it is not published", async () => {
    expect(await project.update("--version", "1.2.3")).toContain("@openai/codex 1.2.3;");
    expect(project.calls).not.toContain("npm view @openai/codex dist-tags");
    await expect(project.update("--version", "9.9.9")).rejects.toThrow(
      "@openai/codex@9.9.9 is not published, or has no platform packages.",
    );
  });

  test("refuses a package.json that pins no exact version, before anything is asked", async () => {
    for (const text of ['{ "devDependencies": {} }', packageJson.replace('"0.9.0"', '"^0.9.0"')]) {
      await writeFile(path.join(project.root, "package.json"), text);
      await expect(project.update()).rejects.toThrow(
        "devDependencies must pin @openai/codex to an exact version, not ",
      );
    }
    expect(project.calls).toEqual([]);
  });

  test("works in a project without a changelog and without a lock file", async () => {
    const { rm } = project.tools().disk;
    for (const name of ["CHANGELOG.md", "package-lock.json"])
      await rm(path.join(project.root, name));
    await project.update();
    expect(await readdir(project.root)).toEqual(
      expect.not.arrayContaining(["CHANGELOG.md", "package-lock.json"]),
    );
    expect(await project.read("package.json")).toContain('"1.2.3"');
  });

  test("keeps the line ends of Windows in files that have them", async () => {
    const names = ["package.json", "CHANGELOG.md", "vendor-bin/manifest.json", "docs/coverage.md"];
    for (const name of names) {
      await project.write(name, (await project.read(name)).replaceAll("\n", "\r\n"));
    }
    await project.update();
    for (const name of names) {
      const text = await project.read(name);
      expect(text).toMatch(/0\.9\.0|1\.2\.3/);
      expect(text.replaceAll("\r\n", "")).not.toContain("\n");
    }
    const before = await project.tree();
    expect(await project.update()).toContain("Nothing to change");
    expect(await project.tree()).toEqual(before);
  });
});

describe("--dry-run", () => {
  test("prints the protocol's changes and touches nothing", async () => {
    const before = await project.tree();
    const said = await project.update("--dry-run", "--bundle-all-platforms");
    expect(said).toBe(
      [
        "@openai/codex 1.2.3; pinned is 0.9.0.",
        "  package.json: would be updated",
        "  node_modules: would be updated",
        "  manifest.json: would be updated",
        "  x86_64-unknown-linux-musl/: would be updated",
        "  aarch64-unknown-linux-musl/: would be updated",
        "  x86_64-apple-darwin/: would be updated",
        "  aarch64-apple-darwin/: would be updated",
        "  x86_64-pc-windows-msvc/: would be updated",
        "  aarch64-pc-windows-msvc/: would be updated",
        "\nThe protocol, codex 0.9.0 to 1.2.3:\n\n* changed from the installed one to fetched 1.2.3\n",
        "This was a dry run: nothing was changed.",
      ].join("\n"),
    );
    expect(await project.tree()).toEqual(before);
    expect(project.calls.filter((call) => /^npm (pack|install)/.test(call))).toEqual([]);
  });

  test("does not even make the folder that --vendor-dir names", async () => {
    const folder = path.join(project.root, "..", "bundles");
    const said = await project.update("--dry-run", "--vendor-dir", folder);
    expect(said).toContain("manifest.json: would be updated");
    await expect(stat(folder)).rejects.toThrow("ENOENT");
  });

  test("says after an update that everything is up to date", async () => {
    await project.update();
    expect(await project.update("--dry-run")).toBe(
      [
        "@openai/codex 1.2.3; pinned is 1.2.3.",
        "  package.json: up to date",
        "  node_modules: up to date",
        "  manifest.json: up to date",
      ].join("\n"),
    );
  });
});
