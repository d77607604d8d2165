import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { BinaryNotFoundError } from "../../../lib/errors/start-errors.js";
import { archiveOf } from "../../../lib/runtime/asar.js";
import { findRuntime, type FindRuntimeOptions } from "../../../lib/runtime/find-runtime.js";
import { resolveLaunch } from "../../../lib/runtime/launch.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { codexPackage, platformPackage, programs, vendorTree, writeTree } from "./file-tree.js";

const linux = "x86_64-unknown-linux-musl";
const linuxPackage = "@openai/codex-linux-x64";

let temp: TempDir;
/** The archive of an installed application. */
let archive: string;
let unpacked: string;

beforeEach(async () => {
  temp = await makeTempDir();
  archive = path.join(temp.path, "resources", "app.asar");
  unpacked = `${archive}.unpacked`;
});

afterEach(() => temp.remove());

/** A search of an application whose code and packages are in the archive, as Electron packs them. */
function search(options: Partial<FindRuntimeOptions> = {}) {
  return findRuntime({
    env: {},
    cwd: temp.path,
    platform: "linux",
    arch: "x64",
    packageRoot: path.join(archive, "node_modules/codex-app-server-sdk"),
    startDirs: [path.join(archive, "node_modules/codex-app-server-sdk/dist/lib")],
    showsArchives: true,
    ...options,
  });
}

async function notFound(search: Promise<unknown>): Promise<BinaryNotFoundError> {
  const error: unknown = await search.catch((reason: unknown) => reason);
  if (!(error instanceof BinaryNotFoundError)) throw new Error("expected a BinaryNotFoundError");
  return error;
}

/** The packages of the runtime below a directory. */
const runtimeIn = (directory: string) => ({
  ...codexPackage(path.join(directory, "node_modules/@openai/codex")),
  ...platformPackage(path.join(directory, "node_modules", linuxPackage), linux, programs.linuxX64),
});

const tree = (root: string): string =>
  path.join(root, "node_modules", linuxPackage, "vendor", linux);

describe("in Electron, which shows an archive as a directory", () => {
  const show = (entries: Parameters<typeof writeTree>[1]) => writeTree("/", entries);

  test("the runtime that was unpacked is started from where it lies", async () => {
    await show({ ...runtimeIn(archive), ...runtimeIn(unpacked) });
    expect(await search()).toEqual({
      command: path.join(tree(unpacked), "bin/codex"),
      helperDir: path.join(tree(unpacked), "codex-path"),
      source: "npm",
    });
  });

  test("so is one of which only the part for this machine was unpacked", async () => {
    await show({
      ...runtimeIn(archive),
      ...platformPackage(
        path.join(unpacked, "node_modules", linuxPackage),
        linux,
        programs.linuxX64,
      ),
    });
    expect((await search()).command).toBe(path.join(tree(unpacked), "bin/codex"));
  });

  test("so is one that this package was shipped with", async () => {
    const place = "node_modules/codex-app-server-sdk/vendor-bin";
    await show({
      ...vendorTree(path.join(archive, place, linux), linux, programs.linuxX64),
      ...vendorTree(path.join(unpacked, place, linux), linux, programs.linuxX64),
    });
    const { command, source } = await search();
    expect([command, source]).toEqual([
      path.join(unpacked, place, linux, "bin/codex"),
      "vendor-bin",
    ]);
  });

  test("a path of the application's that leads into the archive means the file beside it", async () => {
    await show({ ...runtimeIn(archive), ...runtimeIn(unpacked) });
    const inside = path.join(tree(archive), "bin/codex");
    const launcher = path.join(archive, "node_modules/@openai/codex/bin/codex.js");
    for (const codexPath of [inside, launcher]) {
      const { command, helperDir } = await search({ codexPath });
      expect(command).toBe(path.join(tree(unpacked), "bin/codex"));
      expect(helperDir).toBe(path.join(tree(unpacked), "codex-path"));
    }
    const { source } = await search({ env: { CODEX_PATH: inside } });
    expect(source).toBe("CODEX_PATH");
    const { command } = await resolveLaunch({ launch: { command: inside } });
    expect(command).toBe(path.join(tree(unpacked), "bin/codex"));
  });

  test("one that is still packed is not started, and the error says how to unpack it", async () => {
    await show(runtimeIn(archive));
    const inside = path.join(tree(archive), "bin/codex");
    for (const options of [{}, { codexPath: inside }, { env: { CODEX_PATH: inside } }]) {
      const error = await notFound(search(options));
      expect(error.tried).toEqual([expect.stringContaining(`${inside}: inside an archive`)]);
      expect(error.message).toContain('asarUnpack: ["**/node_modules/@openai/**"]');
      expect(error.message).toContain("codexPath");
      expect(error.message).toContain("CODEX_PATH");
    }
  });

  test("one that is not there at all gets the same advice", async () => {
    await show({ [path.join(archive, "package.json")]: "{}" });
    const error = await notFound(search());
    expect(error.message).toContain(`No program starts from inside ${archive}.`);
    expect(error.message).toContain("asarUnpack");
  });
});

describe("outside of Electron", () => {
  test("a path into an archive, which is one file there, means the file beside it", async () => {
    await mkdir(path.dirname(archive), { recursive: true });
    await writeFile(archive, "an archive");
    await writeTree("/", runtimeIn(unpacked));
    const { command } = await search({
      codexPath: path.join(tree(archive), "bin/codex"),
      showsArchives: false,
    });
    expect(command).toBe(path.join(tree(unpacked), "bin/codex"));
  });

  test("a directory that is only called like one is a directory", async () => {
    await writeTree("/", runtimeIn(archive));
    const { command } = await search({ showsArchives: false });
    expect(command).toBe(path.join(tree(archive), "bin/codex"));
  });
});

test.each([
  ["/opt/app/resources/app.asar/dist/main.js", "/opt/app/resources/app.asar"],
  ["C:\\app\\resources\\app.asar\\dist\\main.js", "C:\\app\\resources\\app.asar"],
  ["/a/b.ASAR", "/a/b.ASAR"],
  ["/a/app.asar/x/inner.asar/y", "/a/app.asar"],
  ["/a/app.asar.unpacked/dist/main.js", undefined],
  ["/a/.asar/x", undefined],
  ["/a/caesar/asar/x", undefined],
])("the archive of %s", (file, expected) => {
  expect(archiveOf(file)).toBe(expected);
});
