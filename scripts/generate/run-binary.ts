import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { isExactVersion } from "../registry/exact-version.js";

/** The exact version of the runtime that this package is made for, from its dev dependencies. */
export async function readPin(packageFile: string): Promise<string> {
  const manifest = JSON.parse(await readFile(packageFile, "utf8")) as {
    devDependencies?: Record<string, string>;
  };
  return exactVersion(manifest.devDependencies?.["@openai/codex"]);
}

/** Refuses a range: what is generated must not depend on the day it is generated. */
export function exactVersion(pin: string | undefined): string {
  if (!pin || !isExactVersion(pin)) {
    throw new Error(
      `devDependencies must pin @openai/codex to an exact version, not ${pin ?? "nothing"}`,
    );
  }
  return pin;
}

/** The version in the output of `codex --version`. */
export function versionIn(output: string): string | undefined {
  return /\d+\.\d+\.\d+\S*/.exec(output)?.[0];
}

/** Throws, naming both versions, unless the output of `codex --version` names the pinned one. */
export function requireVersion(output: string, pin: string): void {
  const version = versionIn(output) ?? "no version";
  if (version !== pin) {
    throw new Error(
      `The installed codex binary is ${version}, but package.json pins ${pin}: run npm ci`,
    );
  }
}

/** The native binary inside the installed platform package. */
export async function findBinary(packageFile: string): Promise<string> {
  const fromHere = createRequire(packageFile);
  const fromCodex = createRequire(fromHere.resolve("@openai/codex/package.json"));
  const platform = `${process.platform}-${process.arch}`;
  const vendor = join(
    dirname(fromCodex.resolve(`@openai/codex-${platform}/package.json`)),
    "vendor",
  );
  const [triple] = await readdir(vendor);
  if (!triple) throw new Error(`The platform package for ${platform} holds no binary`);
  return join(vendor, triple, "bin", process.platform === "win32" ? "codex.exe" : "codex");
}

/**
 * Runs the binary with nothing of the user's: its home is the given private folder. Ends it, and rejects with
 * the signal's reason, when that is aborted.
 */
export async function runBinary(
  binary: string,
  args: readonly string[],
  home: string,
  signal?: AbortSignal,
): Promise<string> {
  const env = bareEnvironment(binary, home);
  const options = { env, killSignal: "SIGKILL", ...(signal && { signal }) } as const;
  const { stdout } = await promisify(execFile)(binary, args, options).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  return stdout;
}

/** The environment of a binary that gets nothing of the user's. */
export function bareEnvironment(binary: string, home: string): Record<string, string> {
  const systemRoot = process.env["SystemRoot"];
  return {
    PATH: [dirname(binary), process.env["PATH"]].join(delimiter),
    ...(systemRoot !== undefined && systemRoot !== "" && { SystemRoot: systemRoot }),
    HOME: home,
    USERPROFILE: home,
    TMPDIR: home,
    TEMP: home,
    CODEX_HOME: home,
    CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG: "1",
    OPENAI_API_KEY: "",
  };
}
