import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { configArgs, type ConfigObject } from "../../lib/runtime/config-args.js";
import { findRuntime } from "../../lib/runtime/find-runtime.js";
import { resolveLaunch } from "../../lib/runtime/launch.js";
import { type LaunchOptions } from "../../lib/runtime/launch-options.js";
import { RawClient } from "../support/raw-client.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";

const repository = path.resolve(import.meta.dirname, "..", "..");
const clients: RawClient[] = [];
let home: TempDir;

beforeEach(async () => {
  home = await makeTempDir();
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await home.remove();
});

async function start(options: LaunchOptions = {}): Promise<RawClient> {
  const { command, args, env, cwd } = await resolveLaunch({
    ...options,
    env: hermetic(options.env),
  });
  const client = RawClient.start({ command, args, env, ...(cwd === undefined ? {} : { cwd }) });
  clients.push(client);
  return client;
}

function hermetic(env: LaunchOptions["env"]): Record<string, string | undefined> {
  return {
    CODEX_HOME: home.path,
    CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG: "1",
    OPENAI_API_KEY: "",
    CODEX_PATH: undefined,
    ...env,
  };
}

async function readConfig(options: LaunchOptions): Promise<Record<string, unknown>> {
  const client = await start(options);
  await client.initialize();
  const { config } = await client.request("config/read");
  return config as Record<string, unknown>;
}

/** `desktop` is the one table of the server's configuration that takes anything. */
async function roundTrip(desktop: ConfigObject): Promise<unknown> {
  return (await readConfig({ config: { desktop } })).desktop;
}

/** Resolves with what the process wrote to stderr, once it has ended, and with its exit code. */
async function exitOf(client: RawClient): Promise<{ code: number | null; stderr: string }> {
  if (client.child.exitCode === null) await once(client.child, "exit");
  await client.close();
  return { code: client.child.exitCode, stderr: client.stderr };
}

describe("the installed runtime", () => {
  test("is the native binary of the pinned release, never the Node launcher", async () => {
    const { command, source } = await findRuntime({ env: {} });
    expect(source).toBe("npm");
    expect((await readFile(command)).subarray(0, 2).toString()).not.toBe("#!");
    const { stdout } = await promisify(execFile)(command, ["--version"]);
    expect(stdout.trim()).toBe(`codex-cli ${RUNTIME_VERSION}`);
  });

  test("is also what npm's shim on the PATH leads to", async () => {
    const bin = path.join(repository, "node_modules", ".bin");
    const byName = await findRuntime({ codexPath: "codex", env: { ...process.env, PATH: bin } });
    const { command, helperDir } = await findRuntime({ env: {} });
    expect(byName).toEqual({ command, helperDir, source: "codexPath" });
  });

  test("is the release that vendor-bin/manifest.json names", async () => {
    const manifest = await readFile(path.join(repository, "vendor-bin", "manifest.json"), "utf8");
    expect(JSON.parse(manifest)).toMatchObject({ runtimeVersion: RUNTIME_VERSION });
  });

  test("answers on stdio, with its helper programs first on the PATH of what it runs", async () => {
    const client = await start({ config: { sandbox_mode: "danger-full-access" } });
    await client.initialize();
    const { stdout } = await client.request("command/exec", {
      command: [process.execPath, "-p", "process.env.PATH"],
      sandboxPolicy: { type: "dangerFullAccess" },
    });
    const { helperDir } = await findRuntime({ env: {} });
    expect(helperDir).toMatch(/codex-path$/);
    expect(String(stdout).split(path.delimiter)[0]).toBe(helperDir);
  });

  test("starts with nothing inherited", async () => {
    const { command, args, env } = await resolveLaunch({ inheritEnv: false, env: hermetic({}) });
    const child = spawn(command, args, { env, stdio: ["pipe", "pipe", "ignore"] });
    const closed = once(child, "close");
    const params = { clientInfo: { name: "test", version: "0.0.0" } };
    child.stdin.write(`${JSON.stringify({ id: 1, method: "initialize", params })}\n`);
    const answer = await Promise.race([once(child.stdout, "data"), closed]);
    child.stdin.end();
    await closed;
    expect(String(answer[0])).toContain(RUNTIME_VERSION);
  });
});

describe("configuration given as an object", () => {
  test("arrives as it was, whatever is in it", async () => {
    const desktop = {
      text: "say \"hi\" \\ and 'bye' # = {}[],",
      lines: "a\nb\r\n\tc\u0000\u0007\u001b\u007f\u0085",
      unicode: "é 日本 😀 \u2028\u2029\ufeff",
      empty: "",
      spaces: "  x  ",
      percent: "%PATH% $HOME `id` ~",
      zero: 0,
      negative: -1.5,
      small: 1e-7,
      large: 1e21,
      overflowing: 1e20,
      beyondInt64: 2 ** 63,
      integer: Number.MAX_SAFE_INTEGER,
      yes: true,
      no: false,
      nothing: {},
      none: [],
      nested: [
        [1, [2, []]],
        ["a", true, { b: [{ c: {} }] }],
      ],
      tables: [{ a: 1 }, { "b.c": 2 }],
      deep: { er: { and: { deeper: "still" } } },
      ["__proto__x"]: { a: 1 },
      "1": "a number for a key",
      true: "a word for a key",
    };
    expect(await roundTrip(desktop)).toEqual(desktop);
  });

  test("may have any key below the top level", async () => {
    const odd = { "a.b": 1, "": 2, "q\"u\\o'te": 3, "sp ace": 4, é: { "\n": 5 }, "=": 6, "-x": 7 };
    const desktop = { odd, plain: { x: odd } };
    expect(await roundTrip(desktop)).toEqual(desktop);
  });

  test("arrives as deep as we let it pass", async () => {
    const nested = (levels: number): ConfigObject =>
      levels === 1 ? { "a b": 1 } : { "a b": nested(levels - 1) };
    const desktop = nested(63);
    expect(await roundTrip(desktop)).toEqual(desktop);
    expect(() => configArgs({ desktop: nested(64) })).toThrow("more than 64 levels");
  });

  test("arrives as it was for 200 random objects", async () => {
    const random = seededRandom(20_260_101);
    const desktop = Object.fromEntries(
      Array.from({ length: 200 }, (_item, index) => [`case-${index}`, randomTable(random, 4)]),
    );
    expect(await roundTrip(desktop)).toEqual(desktop);
  });

  test("is merged with the server's config.toml, and wins", async () => {
    await writeFile(
      path.join(home.path, "config.toml"),
      '[desktop]\nkept = 1\nboth = 1\n[desktop.table]\nkept = 1\n"a.b" = 1\n',
    );
    const config = { desktop: { both: 2, table: { "a.b": 2, "c.d": 3 } } };
    expect((await readConfig({ config })).desktop).toEqual({
      kept: 1,
      both: 2,
      table: { kept: 1, "a.b": 2, "c.d": 3 },
    });
  });

  test("loses against configOverrides, of which the last one wins", async () => {
    const config = await readConfig({
      config: { model: "first", desktop: { a: 1, b: 1 } },
      configOverrides: ["model=second", "model=third words", "desktop.b=2"],
    });
    expect(config).toMatchObject({ model: "third words", desktop: { a: 1, b: 2 } });
  });
});

describe("a start that the server refuses", () => {
  test("because of a configuration of the wrong type exits with 1 and says why", async () => {
    const { code, stderr } = await exitOf(await start({ config: { model: 3 } }));
    expect(code).toBe(1);
    expect(stderr).toContain("expected a string");
  });

  test("because CODEX_HOME is missing exits with 1 and says why", async () => {
    const missing = path.join(home.path, "missing");
    const { code, stderr } = await exitOf(await start({ env: { CODEX_HOME: missing } }));
    expect(code).toBe(1);
    expect(stderr).toContain("CODEX_HOME");
  });
});

type Random = () => number;

/** mulberry32: the same numbers on every machine. */
function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomTable(random: Random, depth: number): ConfigObject {
  const count = Math.floor(random() * 4);
  return Object.fromEntries(
    Array.from({ length: count }, () => [randomText(random), randomValue(random, depth)]),
  );
}

function randomValue(random: Random, depth: number): ConfigObject[string] {
  const kind = Math.floor(random() * (depth > 0 ? 6 : 4));
  switch (kind) {
    case 0:
      return randomText(random);
    case 1:
      return Math.floor((random() - 0.5) * 2 ** 54);
    case 2:
      return (random() - 0.5) * 10 ** Math.floor(random() * 60 - 30);
    case 3:
      return random() < 0.5;
    case 4:
      return Array.from(
        { length: Math.floor(random() * 4) },
        () => randomValue(random, depth - 1) ?? 0,
      );
    default:
      return randomTable(random, depth - 1);
  }
}

function randomText(random: Random): string {
  const alphabet =
    "abcXYZ019_-. \"'\\\n\t\u0000\u001f\u007f\u009f=#{}[],$é\u2028\uffff😀\u{10ffff}";
  const characters = Array.from(alphabet);
  const length = Math.floor(random() * 8);
  return Array.from(
    { length },
    () => characters[Math.floor(random() * characters.length)] ?? "",
  ).join("");
}
