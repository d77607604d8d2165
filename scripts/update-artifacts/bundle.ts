import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { readJsonObject } from "../../lib/runtime/files.js";
import type { RunCommand } from "./command.js";
import type { Manifest } from "./release.js";

// Says which tarball a bundle was made from, so that an unchanged one is not fetched again.
const marker = ".integrity";
const workPrefix = ".update-";

/** Puts one platform's binaries into `<vendorDir>/<triple>/`, replacing it as a whole. */
export async function bundlePlatform(
  manifest: Manifest,
  triple: string,
  { vendorDir, dryRun }: { readonly vendorDir: string; readonly dryRun: boolean },
  run: RunCommand,
): Promise<"changed" | "unchanged"> {
  const release = manifest.platforms[triple];
  if (release === undefined) throw new Error(`The manifest has no release for ${triple}.`);
  const destination = path.join(vendorDir, triple);
  if ((await readMarker(destination)) === release.integrity) return "unchanged";
  if (dryRun) return "changed";

  await mkdir(vendorDir, { recursive: true });
  await removeLeftovers(vendorDir);
  // Beside the destination: a rename works only within one file system.
  const workDir = await mkdtemp(path.join(vendorDir, workPrefix));
  try {
    const spec = `${manifest.package}@${release.version}`;
    await run("npm", ["pack", spec, "--pack-destination", workDir], { cwd: workDir });
    const tarball = await onlyTarball(workDir, spec);
    await verify(path.join(workDir, tarball), release.integrity, spec);
    await run("tar", ["-xzf", tarball], { cwd: workDir });
    const fresh = path.join(workDir, "package", "vendor", triple);
    await checkTarget(fresh, triple, spec);
    await writeFile(path.join(fresh, marker), `${release.integrity}\n`);
    await replaceDirectory(destination, fresh, path.join(workDir, "replaced"));
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  return "changed";
}

/** A run that was interrupted could not remove its 400 MB. */
async function removeLeftovers(vendorDir: string): Promise<void> {
  const names = (await readdir(vendorDir)).filter((name) => name.startsWith(workPrefix));
  for (const name of names) await rm(path.join(vendorDir, name), { recursive: true, force: true });
}

async function readMarker(directory: string): Promise<string | undefined> {
  const text = await readFile(path.join(directory, marker), "utf8").catch(() => undefined);
  return text?.trim();
}

async function onlyTarball(directory: string, spec: string): Promise<string> {
  const tarballs = (await readdir(directory)).filter((name) => name.endsWith(".tgz"));
  const [tarball] = tarballs;
  if (tarball === undefined || tarballs.length > 1) {
    throw new Error(`npm pack ${spec} left ${tarballs.length} tarballs instead of one.`);
  }
  return tarball;
}

async function verify(tarball: string, integrity: string, spec: string): Promise<void> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(tarball), hash);
  if (`sha512-${hash.digest("base64")}` !== integrity) {
    throw new Error(`The tarball of ${spec} does not have the checksum that the registry states.`);
  }
}

async function checkTarget(directory: string, triple: string, spec: string): Promise<void> {
  const description = await readJsonObject(path.join(directory, "codex-package.json"));
  if (description?.target !== triple) {
    throw new Error(`${spec} does not hold a runtime for ${triple} in the layout we know.`);
  }
}

async function replaceDirectory(destination: string, fresh: string, aside: string): Promise<void> {
  const replaced = await rename(destination, aside).then(
    () => true,
    () => false,
  );
  try {
    await rename(fresh, destination);
  } catch (error) {
    if (replaced) await rename(aside, destination);
    throw error;
  }
}
