import { npmView } from "./run-npm.js";
import type { RunCommand } from "./run-command.js";

export interface AskedPackage {
  /** Of codex, such as `"0.171.0"`. */
  readonly version: string;
  /** The package with one machine's binaries, such as `"@openai/codex@0.171.0-linux-x64"`. */
  readonly spec: string;
  /** The machine as a user would call it, such as `"linux/x64"`. */
  readonly machine: string;
}

/**
 * The registry's checksum of a platform's package, `"sha512-<base64>"`. Throws, saying which it is, for
 * a release that does not exist, for one without a package for the machine, and without a network.
 */
export async function readIntegrity(
  { version, spec, machine }: AskedPackage,
  options: {
    readonly cwd: string;
    readonly run: RunCommand;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string> {
  const integrity = await npmView(spec, "dist.integrity", options);
  if (typeof integrity === "string" && integrity.startsWith("sha512-")) return integrity;
  if (integrity !== undefined) throw new Error(`The registry has no sha512 checksum of ${spec}.`);
  if ((await npmView(`@openai/codex@${version}`, "version", options)) === undefined) {
    throw new Error(`There is no release ${version} of @openai/codex.`);
  }
  throw new Error(`@openai/codex ${version} has no package for ${machine}.`);
}
