import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { chmod, mkdir } from "node:fs/promises";
import path from "node:path";
import { RUNTIME_VERSION } from "../../../generated/runtime.js";
import { BinaryNotFoundError, SpawnError } from "../../../lib/errors/start-errors.js";
import { findPackageRoot } from "../../../lib/runtime/bundle.js";
import { findRuntime, type FindRuntimeOptions } from "../../../lib/runtime/find-runtime.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { codexPackage, platformPackage, programs, vendorTree, writeTree } from "./file-tree.js";

const linux = "x86_64-unknown-linux-musl";
const windows = "x86_64-pc-windows-msvc";
const linuxPackage = "@openai/codex-linux-x64";

let temp: TempDir;
let root: string;

beforeEach(async () => {
  temp = await makeTempDir();
  root = temp.path;
});

afterEach(async () => {
  await temp.remove();
});

/** A search that sees nothing but the temporary directory. */
function search(options: Partial<FindRuntimeOptions> = {}) {
  return findRuntime({
    env: {},
    cwd: root,
    platform: "linux",
    arch: "x64",
    packageRoot: path.join(root, "sdk"),
    startDirs: [path.join(root, "app")],
    ...options,
  });
}

async function notFound(search: Promise<unknown>): Promise<BinaryNotFoundError> {
  const error: unknown = await search.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BinaryNotFoundError)) throw new Error("expected a BinaryNotFoundError");
  return error;
}

describe("the order of places", () => {
  beforeEach(async () => {
    await writeTree(root, {
      ...vendorTree(`sdk/vendor-bin/${linux}`, linux, programs.linuxX64),
      ...codexPackage("app/node_modules/@openai/codex"),
      ...platformPackage(`app/node_modules/${linuxPackage}`, linux, programs.linuxX64),
      "chosen/codex": programs.linuxX64,
      "from-env/codex": programs.linuxX64,
    });
  });

  test("codexPath comes before everything else", async () => {
    const env = { CODEX_PATH: path.join(root, "from-env/codex") };
    expect(await search({ env, codexPath: path.join(root, "chosen/codex") })).toEqual({
      command: path.join(root, "chosen/codex"),
      helperDir: undefined,
      source: "codexPath",
    });
  });

  test("CODEX_PATH comes before the bundle", async () => {
    const env = { CODEX_PATH: path.join(root, "from-env/codex") };
    expect(await search({ env })).toMatchObject({ command: env.CODEX_PATH, source: "CODEX_PATH" });
  });

  test.each([undefined, "chosen/codex"])(
    "a working directory that was removed is not asked for (%s)",
    async (chosen) => {
      const codexPath = chosen && path.join(root, chosen);
      const gone = jest.spyOn(process, "cwd").mockImplementation(() => {
        throw new Error("ENOENT: uv_cwd");
      });
      try {
        const { source } = await search({ codexPath, cwd: undefined });
        expect(source).toBe(chosen === undefined ? "vendor-bin" : "codexPath");
      } finally {
        gone.mockRestore();
      }
    },
  );

  test("an empty CODEX_PATH counts as not set", async () => {
    expect(await search({ env: { CODEX_PATH: "" } })).toMatchObject({ source: "vendor-bin" });
  });

  test("the bundle comes before the installed package", async () => {
    const tree = path.join(root, "sdk/vendor-bin", linux);
    expect(await search()).toEqual({
      command: path.join(tree, "bin/codex"),
      helperDir: path.join(tree, "codex-path"),
      source: "vendor-bin",
    });
  });

  test("the installed package comes last, and its native binary is used", async () => {
    const tree = path.join(root, "app/node_modules", linuxPackage, "vendor", linux);
    expect(await search({ packageRoot: path.join(root, "elsewhere") })).toEqual({
      command: path.join(tree, "bin/codex"),
      helperDir: path.join(tree, "codex-path"),
      source: "npm",
    });
  });
});

describe("codexPath and CODEX_PATH", () => {
  test("a relative path is resolved against the working directory", async () => {
    await writeTree(root, { "tools/codex": programs.linuxX64 });
    const { command } = await search({ codexPath: "./tools/codex" });
    expect(command).toBe(path.join(root, "tools/codex"));
  });

  test.each(["codexPath", "CODEX_PATH"])(
    "%s that does not exist is an error, even where a runtime is installed",
    async (source) => {
      await writeTree(root, {
        ...codexPackage("app/node_modules/@openai/codex"),
        ...platformPackage(`app/node_modules/${linuxPackage}`, linux, programs.linuxX64),
      });
      const missing = path.join(root, "gone/codex");
      const given =
        source === "codexPath" ? { codexPath: missing } : { env: { CODEX_PATH: missing } };
      const error = await notFound(search(given));
      expect(error.tried).toEqual([`${source}: ${missing}: no such file`]);
      expect(error.message).toContain(
        `Correct ${source}, or leave it out and run: npm install @openai/codex@${RUNTIME_VERSION}`,
      );
    },
  );

  test("a directory is refused as such", async () => {
    await mkdir(path.join(root, "codex"));
    const error = await notFound(search({ codexPath: path.join(root, "codex") }));
    expect(error.tried[0]).toContain("a directory, not an executable");
  });

  test("an executable inside a release's directory brings its helpers along", async () => {
    await writeTree(root, {
      ...vendorTree("unpacked", linux, programs.linuxX64),
      "bin/codex": { link: "../unpacked/bin/codex" },
    });
    const { command, helperDir } = await search({ codexPath: path.join(root, "bin/codex") });
    expect(command).toBe(path.join(root, "bin/codex"));
    expect(helperDir).toBe(path.join(root, "unpacked/codex-path"));
  });

  test("an executable elsewhere has no helpers, whatever directories are near it", async () => {
    await writeTree(root, { "usr/bin/codex": programs.linuxX64, "usr/path/rg": programs.linuxX64 });
    const { helperDir } = await search({ codexPath: path.join(root, "usr/bin/codex") });
    expect(helperDir).toBeUndefined();
  });

  test("the Node launcher is never started: the native binary behind it is", async () => {
    await writeTree(root, {
      ...codexPackage("lib/node_modules/@openai/codex"),
      ...platformPackage(
        `lib/node_modules/@openai/codex/node_modules/${linuxPackage}`,
        linux,
        programs.linuxX64,
      ),
      "bin/codex": { link: "../lib/node_modules/@openai/codex/bin/codex.js" },
    });
    const { command, helperDir } = await search({ codexPath: path.join(root, "bin/codex") });
    expect(command).toMatch(/codex-linux-x64\/vendor\/x86_64-unknown-linux-musl\/bin\/codex$/);
    expect(helperDir).toMatch(/codex-path$/);
  });

  test("a launcher without its native binary is an error that says so", async () => {
    await writeTree(root, codexPackage("lib/node_modules/@openai/codex"));
    const launcher = path.join(root, "lib/node_modules/@openai/codex/bin/codex.js");
    const error = await notFound(search({ codexPath: launcher }));
    expect(error.tried[0]).toContain("the launcher of an incomplete installation");
    expect(error.tried[0]).toContain(linuxPackage);
  });
});

describe("a bare name", () => {
  test("is looked up on the PATH, first match first", async () => {
    await writeTree(root, { "one/codex": programs.linuxX64, "two/codex": programs.linuxX64 });
    const PATH = `${root}/none:${root}/one:${root}/two`;
    const { command, source } = await search({ codexPath: "codex", env: { PATH } });
    expect(command).toBe(path.join(root, "one/codex"));
    expect(source).toBe("codexPath");
  });

  test("passes over files that are not executable, directories, and relative entries", async () => {
    await writeTree(root, {
      "plain/codex": "text",
      "dir/codex/file": "text",
      "real/codex": programs.linuxX64,
      codex: programs.linuxX64,
    });
    const PATH = `:.:${root}/plain:${root}/dir:${root}/real`;
    const { command } = await search({ codexPath: "codex", env: { PATH } });
    expect(command).toBe(path.join(root, "real/codex"));
  });

  test("is never looked up unless it was asked for", async () => {
    await writeTree(root, { "bin/codex": programs.linuxX64 });
    const error = await notFound(search({ env: { PATH: `${root}/bin` } }));
    expect(error.message).not.toContain(`${root}/bin`);
  });

  test("that is not on the PATH is an error", async () => {
    const error = await notFound(search({ env: { CODEX_PATH: "codex", PATH: root } }));
    expect(error.tried).toEqual(["CODEX_PATH: codex: no program of that name on the PATH"]);
  });

  test("leads through a package manager's shell shim to the native binary", async () => {
    await writeTree(root, {
      "bin/codex": '#!/bin/sh\nexec node "$basedir/../store/@openai/codex/bin/codex.js" "$@"\n',
      ...codexPackage("store/@openai/codex"),
      ...platformPackage(
        `store/@openai/codex/node_modules/${linuxPackage}`,
        linux,
        programs.linuxX64,
      ),
    });
    const { command } = await search({ codexPath: "codex", env: { PATH: `${root}/bin` } });
    expect(command).toMatch(/vendor\/x86_64-unknown-linux-musl\/bin\/codex$/);
  });
});

describe("the installed package", () => {
  const installed = { packageRoot: "/nowhere" };

  test("of npm, above the application", async () => {
    await writeTree(root, {
      ...codexPackage("node_modules/@openai/codex"),
      ...platformPackage(`node_modules/${linuxPackage}`, linux, programs.linuxX64),
    });
    const startDirs = [path.join(root, "packages/app/src")];
    const { command, source } = await search({ ...installed, startDirs });
    expect(source).toBe("npm");
    expect(command.startsWith(path.join(root, "node_modules", linuxPackage))).toBe(true);
  });

  test("of npm, nested below the package that needs it", async () => {
    await writeTree(root, {
      ...codexPackage("app/node_modules/@openai/codex"),
      ...platformPackage(
        `app/node_modules/@openai/codex/node_modules/${linuxPackage}`,
        linux,
        programs.linuxX64,
      ),
    });
    expect((await search(installed)).source).toBe("npm");
  });

  test("of pnpm, where only a link in the store leads to the platform package", async () => {
    const store = "app/node_modules/.pnpm";
    await writeTree(root, {
      ...codexPackage(`${store}/@openai+codex@1.2.3/node_modules/@openai/codex`),
      ...platformPackage(
        `${store}/@openai+codex@1.2.3-linux-x64/node_modules/@openai/codex`,
        linux,
        programs.linuxX64,
      ),
      [`${store}/@openai+codex@1.2.3/node_modules/${linuxPackage}`]: {
        link: "../../../@openai+codex@1.2.3-linux-x64/node_modules/@openai/codex",
      },
      "app/node_modules/@openai/codex": {
        link: "../.pnpm/@openai+codex@1.2.3/node_modules/@openai/codex",
      },
    });
    const { command, helperDir } = await search(installed);
    expect(command).toContain(`${linuxPackage}/vendor/${linux}/bin/codex`);
    expect(helperDir).toBe(path.join(command, "../../codex-path"));
  });

  test("of a later start directory is used when the first has none", async () => {
    await writeTree(root, {
      ...codexPackage("sdk/node_modules/@openai/codex"),
      ...platformPackage(`sdk/node_modules/${linuxPackage}`, linux, programs.linuxX64),
    });
    const startDirs = [path.join(root, "app"), path.join(root, "sdk/dist/lib/runtime")];
    expect((await search({ ...installed, startDirs })).source).toBe("npm");
  });

  test("counts when the platform package was installed alone", async () => {
    await writeTree(
      root,
      platformPackage(`app/node_modules/${linuxPackage}`, linux, programs.linuxX64),
    );
    expect((await search(installed)).source).toBe("npm");
  });

  test("of another version of the layout is found too", async () => {
    await writeTree(root, {
      ...codexPackage("app/node_modules/@openai/codex"),
      [`app/node_modules/${linuxPackage}/package.json`]: "{}",
      [`app/node_modules/${linuxPackage}/vendor/${linux}/codex/codex`]: programs.linuxX64,
      [`app/node_modules/${linuxPackage}/vendor/${linux}/path/rg`]: programs.linuxX64,
    });
    const { command, helperDir } = await search(installed);
    expect(command).toMatch(/codex\/codex$/);
    expect(helperDir).toMatch(/\/path$/);
  });

  test("on Windows is codex.exe", async () => {
    await writeTree(root, {
      ...codexPackage("app/node_modules/@openai/codex"),
      ...platformPackage("app/node_modules/@openai/codex-win32-x64", windows, programs.windows),
    });
    const { command } = await search({ ...installed, platform: "win32" });
    expect(command).toMatch(/codex\.exe$/);
  });

  test("without its platform package says that optional dependencies were omitted", async () => {
    await writeTree(root, codexPackage("app/node_modules/@openai/codex"));
    const error = await notFound(search(installed));
    expect(error.tried.at(-1)).toBe(
      `${root}/app/node_modules/@openai/codex (1.2.3): its platform package ${linuxPackage} is ` +
        "missing, as if optional dependencies had been omitted",
    );
    expect(error.message).toContain(
      `Run: npm install --include=optional @openai/codex@${RUNTIME_VERSION}`,
    );
  });

  test("that was copied from another machine says so", async () => {
    await writeTree(root, {
      ...codexPackage("app/node_modules/@openai/codex"),
      ...platformPackage(
        "app/node_modules/@openai/codex-darwin-arm64",
        "aarch64-apple-darwin",
        programs.macOs,
      ),
    });
    const error = await notFound(search(installed));
    expect(error.tried.at(-1)).toContain(
      "@openai/codex-darwin-arm64 is there, as if node_modules had been copied from another machine",
    );
  });
});

describe("Windows", () => {
  const env = () => ({ Path: path.join(root, "npm"), PathExt: ".EXE;.CMD" });

  test.each([
    ["npm's global shim", '"%_prog%"  "%dp0%\\node_modules\\@openai\\codex\\bin\\codex.js" %*'],
    ["pnpm's shim", '@node  "%~dp0\\node_modules\\@openai\\codex\\bin\\codex.js" %*'],
  ])("finds codex.exe behind %s", async (_name, text) => {
    await writeTree(root, {
      "npm/codex.cmd": `@ECHO off\r\n${text}\r\n`,
      ...codexPackage("npm/node_modules/@openai/codex"),
      ...platformPackage(
        "npm/node_modules/@openai/codex/node_modules/@openai/codex-win32-x64",
        windows,
        programs.windows,
      ),
    });
    const { command } = await search({ platform: "win32", codexPath: "codex", env: env() });
    expect(command).toMatch(/codex-win32-x64\/vendor\/x86_64-pc-windows-msvc\/bin\/codex\.exe$/);
  });

  test("refuses a script that leads nowhere, because it would need a shell", async () => {
    await writeTree(root, { "npm/codex.cmd": "@echo hello\r\n" });
    const error = await notFound(search({ platform: "win32", codexPath: "codex", env: env() }));
    expect(error.tried[0]).toContain("a script, which Windows cannot start without a shell");
  });

  test("prefers the first extension of PATHEXT, and takes a name that has one as it is", async () => {
    await writeTree(root, {
      "npm/codex.exe": programs.windows,
      "npm/codex.cmd": "@echo hello\r\n",
      "npm/codex": "#!/bin/sh\n",
    });
    for (const codexPath of ["codex", "codex.exe"]) {
      const { command } = await search({ platform: "win32", codexPath, env: env() });
      expect(command).toBe(path.join(root, "npm/codex.exe"));
    }
  });

  test("knows CODEX_PATH in any spelling", async () => {
    await writeTree(root, { "codex.exe": programs.windows });
    const codexPath = path.join(root, "codex.exe");
    const { source } = await search({ platform: "win32", env: { Codex_Path: codexPath } });
    expect(source).toBe("CODEX_PATH");
  });
});

describe("the bundle", () => {
  test("of another machine is not used", async () => {
    await writeTree(root, vendorTree(`sdk/vendor-bin/${windows}`, windows, programs.windows));
    const error = await notFound(search());
    expect(error.tried).toContain(`${root}/sdk/vendor-bin/${linux}: not there`);
  });

  test("that claims another target than its directory is not used", async () => {
    await writeTree(root, vendorTree(`sdk/vendor-bin/${linux}`, windows, programs.windows));
    const error = await notFound(search());
    expect(error.tried).toContain(
      `${root}/sdk/vendor-bin/${linux}: built for ${windows}, this machine needs ${linux}`,
    );
  });

  test("without an executable is not used", async () => {
    await writeTree(root, { [`sdk/vendor-bin/${linux}/bin/other`]: "x" });
    const error = await notFound(search());
    expect(error.tried).toContain(
      `${root}/sdk/vendor-bin/${linux}: there, but without an executable`,
    );
  });

  test("is looked for in the package, from the sources and from the build alike", async () => {
    await writeTree(root, {
      "sdk/package.json": '{"name":"codex-app-server-sdk"}',
      "sdk/lib/runtime/x.ts": "",
      "sdk/dist/package.json": '{"type":"module"}',
      "sdk/dist/lib/runtime/x.js": "",
    });
    expect(await findPackageRoot(path.join(root, "sdk/lib/runtime"))).toBe(`${root}/sdk`);
    expect(await findPackageRoot(path.join(root, "sdk/dist/lib/runtime"))).toBe(`${root}/sdk`);
    expect(await findPackageRoot(root)).toBeUndefined();
  });
});

describe("when nothing is found", () => {
  test("the error lists every place in order, and one command", async () => {
    const startDirs = [path.join(root, "app"), path.join(root, "sdk")];
    const error = await notFound(search({ startDirs }));
    expect(error.tried).toEqual([
      "codexPath: not given",
      "CODEX_PATH: not set",
      `${root}/sdk/vendor-bin/${linux}: not there`,
      `@openai/codex: not installed in a node_modules of ${root}/app or above`,
      `@openai/codex: not installed in a node_modules of ${root}/sdk or above`,
    ]);
    expect(error.message.split("\n").at(-1)).toBe(
      `Run: npm install @openai/codex@${RUNTIME_VERSION}`,
    );
  });

  test("a machine without releases is told which ones there are", async () => {
    const error = await notFound(search({ platform: "freebsd", arch: "x64" }));
    expect(error.message).toContain("No codex release runs on freebsd/x64");
    expect(error.message).toContain("linux/x64, linux/arm64, darwin/x64, darwin/arm64");
  });

  test("a machine without releases can still be given a binary", async () => {
    await writeTree(root, { "bin/codex": "anything" });
    const codexPath = path.join(root, "bin/codex");
    expect((await search({ platform: "freebsd", codexPath })).command).toBe(codexPath);
  });
});

describe("a file that this machine cannot run", () => {
  test.each([
    ["an empty file", "", "it is an empty file."],
    ["text", "hello\n", "it is not a program for this machine, which is linux/x64."],
    ["a macOS program", programs.macOs, "it is not a program for this machine"],
    ["a Windows program", programs.windows, "it is not a program for this machine"],
    [
      "another architecture",
      programs.linuxArm64,
      "it is built for arm64, and this machine is linux/x64.",
    ],
    [
      "a program cut short",
      programs.linuxX64.subarray(0, 8),
      "it is built for another architecture",
    ],
  ])("is refused before it is started: %s", async (_name, content, problem) => {
    await writeTree(root, { codex: content });
    const codexPath = path.join(root, "codex");
    await chmod(codexPath, 0o755);
    const error: unknown = await search({ codexPath }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SpawnError);
    expect(error).toMatchObject({ command: codexPath, message: expect.stringContaining(problem) });
  });

  test.each([
    ["darwin", programs.macOs],
    ["win32", programs.windows],
    ["android", programs.linuxX64],
    ["linux", Buffer.from("#!/bin/sh\n")],
  ] as const)("is not mistaken for one that can run on %s", async (platform, content) => {
    await writeTree(root, { codex: content });
    const codexPath = path.join(root, "codex");
    expect((await search({ platform, codexPath })).command).toBe(codexPath);
  });

  test("is not taken for one on a machine without releases, for which somebody has built it", async () => {
    await writeTree(root, { codex: programs.linuxRiscV });
    const codexPath = path.join(root, "codex");
    expect((await search({ arch: "riscv64", codexPath })).command).toBe(codexPath);
  });
});
