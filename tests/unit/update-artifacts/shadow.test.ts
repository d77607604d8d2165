import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer } from "node:net";
import { readdir, readFile, realpath, symlink } from "node:fs/promises";
import path from "node:path";
import { disk } from "../../../scripts/update-artifacts/disk.js";
import { makeShadow } from "../../../scripts/update-artifacts/shadow.js";
import { makeTempDir } from "../../support/temp-dir.js";
import { writeTree } from "../runtime/file-tree.js";

test("the copy of a project has its files, links to its packages, and nothing large", async () => {
  await using temp = await makeTempDir();
  const root = path.join(temp.path, "project");
  await writeTree(root, {
    "package.json": "{}",
    ".npmrc": "save-exact=true\n",
    "lib/dist/kept.ts": "x",
    "benchmarks/node_modules/peer/index.js": "x",
    "dist/index.js": "x",
    "coverage/protocol/a.json": "x",
    ".cache/runtimes/a": "x",
    ".git/HEAD": "x",
    ".update-artifacts/lock": "x",
    "vendor-bin/README.md": "x",
    "vendor-bin/manifest.json": "{}",
    "vendor-bin/x86_64-unknown-linux-musl/bin/codex": "x",
    "node_modules/.package-lock.json": "{}",
    "node_modules/one/index.js": "one",
    "node_modules/@scope/two/index.js": "two",
    "node_modules/@openai/codex/bin/codex.js": "launcher",
    "node_modules/@openai/codex-linux-x64/a": "a",
    "node_modules/.bin/other": "x",
  });
  // As npm makes them.
  await symlink("../@openai/codex/bin/codex.js", path.join(root, "node_modules/.bin/codex"));
  const shadow = path.join(root, ".update-artifacts", "work", "project");

  await makeShadow(root, shadow, disk);

  const names = (await readdir(shadow)).sort();
  expect(names).toEqual([
    ".npmrc",
    "benchmarks",
    "lib",
    "node_modules",
    "package.json",
    "vendor-bin",
  ]);
  expect(await readdir(path.join(shadow, "lib"))).toEqual(["dist"]);
  expect(await readdir(path.join(shadow, "benchmarks"))).toEqual([]);
  expect((await readdir(path.join(shadow, "vendor-bin"))).sort()).toEqual([
    "README.md",
    "manifest.json",
  ]);
  const modules = path.join(shadow, "node_modules");
  expect((await readdir(modules)).sort()).toEqual([".bin", "@openai", "@scope", "one"]);
  expect(await realpath(path.join(modules, "one"))).toBe(path.join(root, "node_modules", "one"));
  expect(await readFile(path.join(modules, "@scope/two/index.js"), "utf8")).toBe("two");

  // Its own package in the place of the link: the program of that name is of the copy, too.
  await disk.rm(path.join(modules, "@openai/codex"));
  await writeTree(modules, { "@openai/codex/bin/codex.js": "newer" });
  expect(await readFile(path.join(modules, ".bin/codex"), "utf8")).toBe("newer");
  const old = path.join(root, "node_modules/@openai/codex/bin/codex.js");
  expect(await readFile(old, "utf8")).toBe("launcher");
});

test("what is neither a file, a folder nor a link stays where it is", async () => {
  await using temp = await makeTempDir();
  const root = path.join(temp.path, "project");
  await writeTree(root, { "package.json": "{}", "lib/a.ts": "a" });
  const servers = ["root.sock", "lib/inner.sock"].map((name) =>
    createServer().listen(path.join(root, name)),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));
  try {
    const shadow = path.join(root, ".update-artifacts", "work", "project");
    await makeShadow(root, shadow, disk);
    expect((await readdir(shadow)).sort()).toEqual(["lib", "node_modules", "package.json"]);
    expect(await readdir(path.join(shadow, "lib"))).toEqual(["a.ts"]);
  } finally {
    for (const server of servers) server.close();
  }
});
