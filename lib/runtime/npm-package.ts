import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { ancestors, kindOf, orWhenUnreadable, readJsonObject, resolveLinks } from "./files.js";
import { runtimeTargets, type RuntimeTarget } from "./platform.js";
import { readVendorTree, type Finding } from "./vendor-tree.js";

/**
 * The native binary of the `@openai/codex` that a module in one of `startDirs` would import.
 *
 * The directories are walked by hand rather than through `createRequire`, which bundlers rewrite
 * and which cannot see a package that hides its package.json.
 *
 * Resolves also with every place that held nothing of use, and why, and with whether `@openai/codex` is
 * installed, but without the part for this machine.
 */
export async function findInstalled(target: RuntimeTarget, startDirs: readonly string[]) {
  const tried: string[] = [];
  const seen = new Set<string>();
  let incomplete = false;
  if (startDirs.length === 0) {
    tried.push("@openai/codex: neither this library nor a main script has a file to search from");
  }
  for (const start of startDirs) {
    const codex = await nearestPackage(start, "@openai/codex");
    // Somebody may have installed the platform package alone.
    const place = codex ?? (await nearestPackage(start, target.packageName));
    if (place === undefined) {
      tried.push(`@openai/codex: not installed in a node_modules of ${start} or above`);
      continue;
    }
    if (seen.has(place)) continue;
    seen.add(place);
    const found = await readCodexPackage(place, target);
    if ("program" in found) return { program: found.program, tried, incomplete };
    incomplete ||= codex !== undefined;
    tried.push(found.problem);
  }
  return { program: undefined, tried, incomplete };
}

/** The native binary that belongs to an installed `@openai/codex`. */
export async function readCodexPackage(codex: string, target: RuntimeTarget): Promise<Finding> {
  // From the real place: pnpm keeps a package's dependencies beside it, behind the link.
  const real = await resolveLinks(codex);
  const platformPackage = await nearestPackage(real, target.packageName);
  for (const place of [platformPackage, real]) {
    if (place === undefined) continue;
    const vendor = path.join(place, "vendor");
    if (place === real && (await kindOf(vendor)) === "missing") continue;
    const found = await readVendorTree(path.join(vendor, target.triple), target);
    if ("program" in found) return found;
    return { problem: `${path.join(vendor, target.triple)}: ${found.problem}` };
  }
  const version = (await readJsonObject(path.join(real, "package.json")))?.version;
  return {
    problem:
      `${codex}${typeof version === "string" ? ` (${version})` : ""}: ` +
      `its platform package ${target.packageName} is missing, ${await whyMissing(real, target)}`,
  };
}

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

async function nearestPackage(from: string, name: string): Promise<string | undefined> {
  for (const directory of ancestors(from)) {
    if (path.basename(directory) === "node_modules") continue;
    const candidate = path.join(directory, "node_modules", name);
    if ((await kindOf(path.join(candidate, "package.json"))) === "file") return candidate;
  }
  return undefined;
}

async function whyMissing(codex: string, target: RuntimeTarget): Promise<string> {
  const scopes = [path.dirname(codex), path.join(codex, "node_modules", "@openai")];
  const names = (await Promise.all(scopes.map((dir) => readdir(dir).catch(() => [])))).flat();
  const foreign = runtimeTargets.find(
    ({ packageName }) =>
      packageName !== target.packageName && names.includes(path.basename(packageName)),
  );
  return foreign === undefined
    ? "as if optional dependencies had been omitted"
    : `but ${foreign.packageName} is there, as if node_modules had been copied from another machine`;
}
