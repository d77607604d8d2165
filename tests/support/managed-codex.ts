import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { findRuntime } from "../../lib/runtime/find-runtime.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

/** A codex that finds these requirements where an administrator puts them. */
export interface ManagedCodex extends AsyncDisposable {
  /** For `codexPath`. */
  readonly command: string;
}

/**
 * The codex under test with a `requirements.toml` of our own. It reads that in `/etc/codex` only, so
 * it runs in a mount namespace where a folder of ours lies over `/etc`; the real one is not touched.
 *
 * Undefined where that cannot be done: it takes Linux, and the right to make namespaces.
 */
export async function managedCodex(requirements: string): Promise<ManagedCodex | undefined> {
  if (process.platform !== "linux") return undefined;
  const { command: codex } = await findRuntime({ env: process.env });
  const folder = await makeTempDir();
  const command = await writeProgram(folder, codex, requirements);
  try {
    await promisify(execFile)(command, ["--version"]);
  } catch {
    await folder.remove();
    return undefined;
  }
  return { command, [Symbol.asyncDispose]: () => folder.remove() };
}

async function writeProgram(folder: TempDir, codex: string, requirements: string) {
  const over = path.join(folder.path, "etc");
  await mkdir(path.join(over, "codex"), { recursive: true });
  await writeFile(path.join(over, "codex", "requirements.toml"), requirements);
  const command = path.join(folder.path, "codex");
  const mount = `mount -t overlay overlay -o lowerdir=${over}:/etc /etc`;
  const inside = `${mount} && exec ${codex} "$@"`;
  const script = `#!/bin/sh\nexec unshare --map-root-user --mount sh -c '${inside}' codex "$@"\n`;
  await writeFile(command, script);
  await chmod(command, 0o755);
  return command;
}
