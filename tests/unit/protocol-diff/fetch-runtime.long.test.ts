import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fetchRuntime } from "../../../scripts/protocol-diff/fetch-runtime.js";
import { runCommand } from "../../../scripts/run-command.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { codexPackage, platformPackage, programs, writeTree } from "../runtime/file-tree.js";

const triple = "x86_64-unknown-linux-musl";
const machine = { platform: "linux", arch: "x64" } as const;
const npm = process.env.npm_execpath;

let temp: TempDir;
let root: string;
let registry: string;
let binary: string;

beforeEach(async () => {
  temp = await makeTempDir();
  root = path.join(temp.path, "project");
  registry = path.join(temp.path, "registry");
  binary = path.join(root, ".cache/runtimes/1.2.3", triple, "bin/codex");
  await writeTree(root, { "package.json": "{}" });
  await publish();
  process.env.npm_execpath = path.join(temp.path, "npm-cli.js");
  await writeTree(temp.path, {
    "package.json": '{ "type": "module" }',
    "npm-cli.js": await readFile(path.join(import.meta.dirname, "fake-npm-cli.mjs"), "utf8"),
  });
});

afterEach(async () => {
  if (npm === undefined) delete process.env.npm_execpath;
  else process.env.npm_execpath = npm;
  await temp.remove();
});

/** Packs a runtime for Linux, and says what the registry knows of it. */
async function publish(tree = platformPackage("package", triple, programs.linuxX64)) {
  await writeTree(registry, tree);
  await runCommand("tar", ["-czf", "1.2.3-linux-x64.tgz", "package"], { cwd: registry });
  const sum = createHash("sha512")
    .update(await readFile(tarball()))
    .digest("base64");
  const packages = {
    "1.2.3": { version: "1.2.3" },
    "1.2.3-linux-x64": { "dist.integrity": `sha512-${sum}` },
    "0.1.0": { version: "0.1.0" },
  };
  await writeFile(path.join(registry, "packages.json"), JSON.stringify(packages));
  await writeFile(path.join(registry, "calls"), "");
}

const tarball = (): string => path.join(registry, "1.2.3-linux-x64.tgz");
const hang = (): Promise<void> => writeFile(path.join(registry, "hang"), "");
const calls = async (): Promise<string[]> =>
  (await readFile(path.join(registry, "calls"), "utf8")).split("\n").slice(0, -1);
const cached = async (): Promise<string[]> => {
  const names = await readdir(path.join(root, ".cache"), { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes(".fetch-") || name.endsWith("bin/codex"));
};

describe("a release that is not there yet", () => {
  test("is downloaded, held against its checksum, and unpacked with everything that belongs to it", async () => {
    expect(await fetchRuntime("1.2.3", { root, ...machine })).toBe(binary);
    expect(await readFile(binary)).toEqual(programs.linuxX64);
    const beside = await readdir(path.join(root, ".cache/runtimes/1.2.3", triple));
    expect(beside.sort()).toEqual([".integrity", "bin", "codex-package.json", "codex-path"]);
    expect(await calls()).toEqual([
      "view @openai/codex@1.2.3-linux-x64",
      "pack @openai/codex@1.2.3-linux-x64",
    ]);
    expect(await readdir(path.join(root, ".cache/runtimes"))).toEqual(["1.2.3"]);
  });

  test("is fetched while it is told how much has arrived", async () => {
    const told: unknown[] = [];
    const onProgress = (...progress: unknown[]): void => void told.push(progress);
    await fetchRuntime("1.2.3", { root, ...machine, onProgress });
    expect(told[0]).toEqual(["@openai/codex@1.2.3-linux-x64", 0, undefined]);
  });

  test("may be fetched by two at the same time, and both get it", async () => {
    const fetch = () => fetchRuntime("1.2.3", { root, ...machine });
    expect(await Promise.all([fetch(), fetch()])).toEqual([binary, binary]);
    expect(await cached()).toEqual([`runtimes/1.2.3/${triple}/bin/codex`]);
  });

  test("takes the place of something that is no runtime of ours", async () => {
    await writeTree(root, { [`.cache/runtimes/1.2.3/${triple}/bin/codex`]: "half" });
    expect(await fetchRuntime("1.2.3", { root, ...machine })).toBe(binary);
    expect(await readFile(binary)).toEqual(programs.linuxX64);
    expect(await readdir(path.join(root, ".cache/runtimes"))).toEqual(["1.2.3"]);
  });
});

describe("a release that is there", () => {
  test("is used without a network", async () => {
    await fetchRuntime("1.2.3", { root, ...machine });
    await writeFile(path.join(registry, "calls"), "");
    await writeFile(path.join(registry, "offline"), "");
    expect(await fetchRuntime("1.2.3", { root, ...machine })).toBe(binary);
    expect(await calls()).toEqual([]);
  });

  test("is used where it is installed, when it is the wanted one", async () => {
    const { platform, arch } = process;
    const name = `@openai/codex-${platform}-${arch}`;
    const vendor = `node_modules/${name}/vendor/${triple}`;
    await writeTree(root, {
      ...codexPackage("node_modules/@openai/codex"),
      ...platformPackage(`node_modules/${name}`, triple, programs.linuxX64),
    });
    const program = path.join(root, vendor, "bin", platform === "win32" ? "codex.exe" : "codex");
    expect(await fetchRuntime("1.2.3", { root })).toBe(program);
    expect(await calls()).toEqual([]);
    // Another version is not.
    await expect(fetchRuntime("9.9.9", { root, ...machine })).rejects.toThrow("no release 9.9.9");
  });
});

describe("what is not the published package", () => {
  const refused = "@openai/codex@1.2.3-linux-x64 does not have the checksum";

  test("is refused when it was tampered with", async () => {
    const bytes = await readFile(tarball());
    const last = bytes.length - 1;
    bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
    await writeFile(tarball(), bytes);
    await expect(fetchRuntime("1.2.3", { root, ...machine })).rejects.toThrow(refused);
    expect(await cached()).toEqual([]);
  });

  test("is refused when its end is missing", async () => {
    const bytes = await readFile(tarball());
    await writeFile(tarball(), bytes.subarray(0, bytes.length - 20));
    await expect(fetchRuntime("1.2.3", { root, ...machine })).rejects.toThrow(refused);
    expect(await cached()).toEqual([]);
  });

  test("is refused when it holds the runtime of another machine", async () => {
    await rm(path.join(registry, "package"), { recursive: true });
    await publish(platformPackage("package", "x86_64-apple-darwin", programs.macOs));
    await expect(fetchRuntime("1.2.3", { root, ...machine })).rejects.toThrow(
      `@openai/codex@1.2.3-linux-x64 does not hold a runtime for ${triple} in the layout we know.`,
    );
    expect(await cached()).toEqual([]);
  });
});

describe("a download that is interrupted", () => {
  test("ends with the reason of the signal, and leaves nothing", async () => {
    await hang();
    const stop = new AbortController();
    const onProgress = (): void => {
      stop.abort(new Error("enough"));
    };
    const { signal } = stop;
    await expect(fetchRuntime("1.2.3", { root, ...machine, signal, onProgress })).rejects.toThrow(
      "enough",
    );
    expect(await cached()).toEqual([]);
  });

  test("by the end of its process leaves nothing that counts, and the next one clears it away", async () => {
    await hang();
    const script = path.join(import.meta.dirname, "fetch-host.ts");
    const host = spawn(process.execPath, ["--import", "tsx", script, root, "1.2.3"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env },
    });
    const ended = once(host, "exit");
    for await (const line of createInterface(host.stdout)) if (line === "downloading") break;
    host.kill("SIGKILL");
    await ended;
    expect(await cached()).toContainEqual(expect.stringContaining(`-${host.pid}-`));
    await rm(path.join(registry, "hang"));
    expect(await fetchRuntime("1.2.3", { root, ...machine })).toBe(binary);
    expect(await cached()).toEqual([`runtimes/1.2.3/${triple}/bin/codex`]);
  });

  test("leaves alone what another process is still fetching", async () => {
    await hang();
    let told: () => void;
    const downloading = new Promise<void>((resolve) => (told = resolve));
    const onProgress = (): void => {
      told();
    };
    const first = fetchRuntime("1.2.3", { root, ...machine, onProgress });
    await downloading;
    const begun = await cached();
    expect(begun).not.toEqual([]);
    // The second one clears away what is left over before it gets to this.
    await expect(fetchRuntime("9.9.9", { root, ...machine })).rejects.toThrow("no release");
    expect(await cached()).toEqual(expect.arrayContaining(begun));
    await rm(path.join(registry, "hang"));
    expect(await first).toBe(binary);
  });
});

describe("what cannot be fetched", () => {
  test.each([
    ["latest", '"latest" is no exact version of codex, such as 0.171.0.'],
    ["^0.171.0", '"^0.171.0" is no exact version of codex'],
    ["", '"" is no exact version of codex'],
    ["../1.2.3", '"../1.2.3" is no exact version of codex'],
    ["9.9.9", "There is no release 9.9.9 of @openai/codex."],
    ["0.1.0", "@openai/codex 0.1.0 has no package for linux/x64."],
  ])("%j is named in the error", async (version, message) => {
    await expect(fetchRuntime(version, { root, ...machine })).rejects.toThrow(message);
    expect(await cached()).toEqual([]);
    const made = await readdir(path.join(root, ".cache/runtimes")).catch(() => []);
    expect(made).toEqual([]);
  });

  test("is everything without a network, and the error says what else can be done", async () => {
    await writeFile(path.join(registry, "offline"), "");
    await expect(fetchRuntime("1.2.3", { root, ...machine })).rejects.toThrow(
      "npm cannot reach the registry (EAI_AGAIN). Check the network and npm's settings. Or take a release that is installed or fetched already, or the path of a binary.",
    );
    expect(await cached()).toEqual([]);
  });

  test("is a release for a machine that there are none for", async () => {
    await expect(fetchRuntime("1.2.3", { root, platform: "sunos", arch: "sparc" })).rejects.toThrow(
      "There is no codex for sunos/sparc.",
    );
  });
});
