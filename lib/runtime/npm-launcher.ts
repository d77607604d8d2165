import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { kindOf, orWhenUnreadable, resolveLinks } from "./files.js";

const launcher = path.join("@openai", "codex", "bin", "codex.js");
// Package managers write shims of a few hundred bytes; the native binary has hundreds of megabytes.
const maxShimBytes = 65_536;
const shimTarget =
  /(?:%~?dp0%?|\$\{?basedir\}?)[\\/]+([^"'\r\n]*?@openai[\\/]+codex[\\/]+bin[\\/]+codex\.js)/i;

/**
 * The directory of the `@openai/codex` package when `file` is its Node launcher, a link to it, or
 * the shim a package manager wrote for it. The launcher would only add a process between the
 * runtime and us, and Windows starts no shim without a shell.
 */
export async function codexPackageBehind(file: string): Promise<string | undefined> {
  const real = await resolveLinks(file);
  const script = real.endsWith(launcher) ? real : await scriptOfShim(file);
  return script === undefined ? undefined : path.dirname(path.dirname(script));
}

async function scriptOfShim(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(orWhenUnreadable(undefined));
  if (found === undefined || found.size > maxShimBytes) return undefined;
  const text = await readFile(file, "latin1").catch(orWhenUnreadable(""));
  const relative = shimTarget.exec(text)?.[1];
  if (relative === undefined) return undefined;
  const script = path.resolve(path.dirname(file), ...relative.split(/[\\/]+/));
  return (await kindOf(script)) === "file" ? script : undefined;
}
