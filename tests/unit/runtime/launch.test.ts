import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { BinaryNotFoundError } from "../../../lib/errors/start-errors.js";
import { resolveLaunch, type LaunchHost } from "../../../lib/runtime/launch.js";
import { type LaunchOptions } from "../../../lib/runtime/launch-options.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { programs, vendorTree, writeTree } from "./file-tree.js";

const linux = "x86_64-unknown-linux-musl";
const windows = "x86_64-pc-windows-msvc";

let temp: TempDir;
let root: string;
let helpers: string;

beforeEach(async () => {
  temp = await makeTempDir();
  root = temp.path;
  helpers = path.join(root, "vendor-bin", linux, "codex-path");
  await writeTree(root, {
    ...vendorTree(`vendor-bin/${linux}`, linux, programs.linuxX64),
    ...vendorTree(`vendor-bin/${windows}`, windows, programs.windows),
    "dir/file": "x",
  });
});

afterEach(async () => {
  await temp.remove();
});

function launch(options?: LaunchOptions, env: NodeJS.ProcessEnv = {}, more: LaunchHost = {}) {
  const host = { platform: "linux", arch: "x64", packageRoot: root, startDirs: [], env } as const;
  return resolveLaunch(options, { ...host, ...more });
}

async function refusal(options: unknown): Promise<string> {
  const error: unknown = await launch(options as LaunchOptions).catch((reason: unknown) => reason);
  if (!(error instanceof InvalidArgumentError)) throw new Error("expected a refusal");
  return error.message;
}

describe("the command line", () => {
  test("without options runs app-server on the runtime that was found", async () => {
    expect(await launch(undefined, { A: "1" })).toEqual({
      command: path.join(root, "vendor-bin", linux, "bin/codex"),
      args: ["app-server"],
      cwd: undefined,
      env: { A: "1", PATH: helpers },
      detached: true,
      source: "vendor-bin",
    });
  });

  test("has config first and configOverrides after it, so that they win", async () => {
    const { args } = await launch({
      config: { model: "a", features: { x: true } },
      configOverrides: ["model=b", "a.b = [1]"],
    });
    expect(args).toEqual([
      ...["app-server", "-c", 'model="a"', "-c", "features.x=true"],
      ...["-c", "model=b", "-c", "a.b = [1]"],
    ]);
  });

  test("of launch is passed on, with its program looked up on the PATH of the process", async () => {
    await writeTree(root, { "bin/docker": "#!/bin/sh\n", "other/docker": "#!/bin/sh\n" });
    const env = { PATH: `:.:${root}/bin:${root}/other` };
    const options = { launch: { command: "docker", args: ["run", ""] } };
    const expected = {
      command: path.join(root, "bin/docker"),
      args: ["run", ""],
      cwd: undefined,
      env,
      detached: true,
      source: "launch",
    };
    expect(await launch(options, env)).toEqual(expected);
    const { command } = await launch({ ...options, env: { PATH: `${root}/other` } }, env);
    expect(command).toBe(path.join(root, "other/docker"));
  });

  test("of launch shares the terminal when that is asked for", async () => {
    const shared = { command: "/bin/x", detached: false };
    expect(await launch({ launch: shared })).toMatchObject({ detached: false });
  });

  test("of launch has its relative path from here, wherever the process is to run", async () => {
    const { command, args } = await launch({ launch: { command: "bin/x" }, cwd: root });
    expect(command).toBe(path.resolve("bin/x"));
    expect(args).toEqual([]);
  });

  test("of launch finds the system's programs without any PATH", async () => {
    const { command } = await launch({ launch: { command: "sh" }, inheritEnv: false }, {});
    expect(command).toMatch(/^\/(?:usr\/)?bin\/sh$/);
  });

  test("of launch with a name that is not on the PATH is an error", async () => {
    await writeTree(root, { "bin/plain": "text" });
    for (const command of ["plain", "nowhere"]) {
      const error: unknown = await launch({ launch: { command } }, { PATH: `${root}/bin` }).catch(
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(BinaryNotFoundError);
      expect((error as BinaryNotFoundError).tried).toEqual([
        `launch.command: ${command}: no program of that name on the PATH; relative entries do not count`,
      ]);
    }
  });

  test("of launch is on Windows a program that needs no shell", async () => {
    await writeTree(root, { "one/docker.cmd": "", "two/docker.exe": programs.windows });
    const { command } = await launch(
      { launch: { command: "docker" }, inheritEnv: false },
      { Path: `${root}/one;${root}/two` },
      { platform: "win32" },
    );
    expect(command).toBe(path.join(root, "two/docker.exe"));
  });

  test("takes undefined as not given, for every option", async () => {
    const undefinedOptions = {
      codexPath: undefined,
      launch: undefined,
      cwd: undefined,
      env: undefined,
      inheritEnv: undefined,
      config: undefined,
      configOverrides: undefined,
    };
    expect(await launch(undefinedOptions)).toEqual(await launch());
  });

  test("ignores options that other parts of the library read", async () => {
    const options: LaunchOptions & { clientInfo: object } = { clientInfo: {} };
    expect(await launch(options)).toEqual(await launch());
  });
});

describe("the environment", () => {
  test("is the parent's with the changes on top", async () => {
    const { env } = await launch(
      { env: { B: "two", C: undefined, D: "" } },
      { A: "1", B: "2", C: "3", PATH: "/bin" },
    );
    expect(env).toEqual({ A: "1", B: "two", D: "", PATH: `${helpers}:/bin` });
  });

  test("has the helpers first on the PATH, and only once", async () => {
    const { env } = await launch({}, { PATH: `/bin:${helpers}:/usr/bin` });
    expect(env.PATH).toBe(`${helpers}:/bin:/usr/bin`);
  });

  test("without inheritance has only what was given, and the helpers", async () => {
    const { env } = await launch({ inheritEnv: false, env: { A: "a" } }, { PATH: "/bin", B: "b" });
    expect(env).toEqual({ A: "a", PATH: helpers });
  });

  test("without inheritance still lets this process say which runtime to use", async () => {
    await writeTree(root, { "bin/codex": programs.linuxX64 });
    const inherited = { CODEX_PATH: path.join(root, "bin/codex") };
    const command = await launch({ inheritEnv: false }, inherited);
    expect(command).toMatchObject({ source: "CODEX_PATH", env: {} });
  });

  test("given by the caller decides on CODEX_PATH before this process's does", async () => {
    await writeTree(root, { "bin/codex": programs.linuxX64 });
    const inherited = { CODEX_PATH: "/nowhere/codex" };
    const own = await launch({ env: { CODEX_PATH: path.join(root, "bin/codex") } }, inherited);
    expect(own.source).toBe("CODEX_PATH");
    const none = await launch({ env: { CODEX_PATH: undefined } }, inherited);
    expect(none.source).toBe("vendor-bin");
    await expect(launch({}, inherited)).rejects.toBeInstanceOf(BinaryNotFoundError);
  });

  test("does not change the caller's objects", async () => {
    const env = Object.freeze({ A: "1", PATH: "/x" });
    const parent = Object.freeze({ B: "2" });
    expect((await launch({ env }, parent)).env.PATH).toBe(`${helpers}:/x`);
    expect([env, parent]).toEqual([{ A: "1", PATH: "/x" }, { B: "2" }]);
  });
});

describe("the environment on Windows", () => {
  const host: LaunchHost = { platform: "win32" };
  const windowsHelpers = () => path.join(root, "vendor-bin", windows, "codex-path");

  test("has each variable once, whatever its spelling", async () => {
    const { env } = await launch(
      { env: { PATH: "C:\\tools", temp: undefined } },
      { Path: "C:\\Windows", TEMP: "C:\\t", SystemRoot: "C:\\Windows" },
      host,
    );
    expect(env).toEqual({ PATH: `${windowsHelpers()};C:\\tools`, SystemRoot: "C:\\Windows" });
  });

  test("starts nothing apart from the console", async () => {
    const launched = { command: "C:/x.exe", detached: true };
    expect(await launch({}, {}, host)).toMatchObject({ detached: false });
    expect(await launch({ launch: launched }, {}, host)).toMatchObject({ detached: false });
  });

  test("keeps the spelling of the PATH that is there", async () => {
    const { env } = await launch({}, { Path: "C:\\Windows" }, host);
    expect(env).toEqual({ Path: `${windowsHelpers()};C:\\Windows` });
  });

  test("keeps SystemRoot without inheritance, unless the caller says otherwise", async () => {
    const parent = { SYSTEMROOT: "C:\\Windows", A: "1" };
    const kept = await launch({ inheritEnv: false }, parent, host);
    expect(kept.env).toEqual({ SystemRoot: "C:\\Windows", PATH: windowsHelpers() });
    const own = await launch({ inheritEnv: false, env: { systemroot: "D:\\" } }, parent, host);
    expect(own.env).toEqual({ systemroot: "D:\\", PATH: windowsHelpers() });
  });
});

describe("cwd", () => {
  test("becomes absolute", async () => {
    const relative = path.relative(process.cwd(), path.join(root, "dir"));
    expect((await launch({ cwd: relative })).cwd).toBe(path.join(root, "dir"));
  });

  test("must be a directory that exists", async () => {
    expect(await refusal({ cwd: path.join(root, "gone") })).toBe("cwd must exist.");
    expect(await refusal({ cwd: path.join(root, "dir/file") })).toBe(
      "cwd must be a directory, not a file.",
    );
  });
});

describe("validation", () => {
  test.each<[unknown, string]>([
    [{ codexPath: "" }, "codexPath must be a string that is not empty"],
    [{ codexPath: 1 }, "codexPath must be a string that is not empty"],
    [{ codexPath: null }, "codexPath must be a string that is not empty"],
    [{ codexPath: "a\0b" }, "codexPath must not contain a NUL character"],
    [{ cwd: "" }, "cwd must be a string that is not empty"],
    [{ cwd: new URL("file:///") }, "cwd must be a string that is not empty"],
    [{ launch: "codex" }, "launch must be an object"],
    [{ launch: {} }, "launch.command must be a string that is not empty"],
    [{ launch: { command: "x", args: "y" } }, "launch.args must be an array of strings"],
    [{ launch: { command: "x", detached: "no" } }, "launch.detached must be true or false"],
    [{ launch: { command: "x", args: ["y", 1] } }, "launch.args[1] must be a string"],
    [{ launch: { command: "x", args: ["\0"] } }, "launch.args[0] must not contain a NUL character"],
    [{ env: [] }, "env must be an object"],
    [{ env: { TOKEN: 5 } }, "env.TOKEN must be a string, or undefined to remove it"],
    [{ env: { TOKEN: null } }, "env.TOKEN must be a string, or undefined to remove it"],
    [{ env: { TOKEN: "x\0" } }, "env.TOKEN must not contain a NUL character"],
    [
      { env: { "A=B": "x" } },
      'env["A=B"] is not a name for a variable: it must not be empty, nor contain "=" or a NUL character',
    ],
    [
      { env: { "": "x" } },
      'env[""] is not a name for a variable: it must not be empty, nor contain "=" or a NUL character',
    ],
    [{ inheritEnv: "false" }, "inheritEnv must be true or false"],
    [{ config: "model=x" }, "config must be an object"],
    [{ config: [] }, "config must be an object"],
    [
      { config: { a: null } },
      "config.a must not be null, which TOML cannot say. Leave the key out instead.",
    ],
    [{ configOverrides: "model=x" }, "configOverrides must be an array of strings"],
    [
      { configOverrides: ["a=1", "model"] },
      'configOverrides[1] must be a string of the form "key=value"',
    ],
    [{ configOverrides: ["=1"] }, 'configOverrides[0] must be a string of the form "key=value"'],
    [
      { configOverrides: ["--strict-config=1"] },
      'configOverrides[0] must be a string of the form "key=value"',
    ],
    [{ configOverrides: [1] }, 'configOverrides[0] must be a string of the form "key=value"'],
    [{ configOverrides: ["a=\0"] }, "configOverrides[0] must not contain a NUL character"],
  ])("refuses %j with exactly one sentence", async (options, message) => {
    expect(await refusal(options)).toBe(message);
  });

  // Node would put U+FFFD in its place, and so name another file, or say something else.
  test.each<[LaunchOptions, string]>([
    [{ codexPath: "/a\ud83d" }, "codexPath"],
    [{ codexHome: "/a\ud83d" }, "codexHome"],
    [{ cwd: "/a\ud83d" }, "cwd"],
    [{ env: { TOKEN: "a\ud83d" } }, "env.TOKEN"],
    [{ env: { "A\ud83d": "a" } }, 'env["A\\ud83d"]'],
    [{ configOverrides: ["a=\ud83d"] }, "configOverrides[0]"],
    [{ launch: { command: "\ud83d" } }, "launch.command"],
    [{ launch: { command: "codex", args: ["\ud83d"] } }, "launch.args[0]"],
  ])("refuses half of a surrogate pair: %j", async (options, argument) => {
    expect(await refusal(options)).toContain(`${argument} has half of a surrogate pair`);
  });

  test.each(["codexPath", "config", "configOverrides"])(
    "refuses %s beside launch, which would ignore it",
    async (name) => {
      const value = { codexPath: "codex", config: {}, configOverrides: [] }[name];
      expect(await refusal({ launch: { command: "x" }, [name]: value })).toBe(
        `${name} would be ignored, because launch replaces the whole command line. ` +
          "Give only one of the two.",
      );
    },
  );

  test("never puts a value into a message", async () => {
    expect(await refusal({ env: { TOKEN: "hunter2\0" } })).not.toContain("hunter2");
    expect(await refusal({ configOverrides: ["hunter2"] })).not.toContain("hunter2");
  });
});
