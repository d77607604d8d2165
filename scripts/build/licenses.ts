import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

/** The licenses of the packages that a build has made a part of its files. */
export async function licensesOf(files: readonly string[]): Promise<string> {
  const packages = new Set(files.flatMap((file) => packageOf(file) ?? []));
  const texts = await Promise.all([...packages].sort().map(licenseOf));
  return [`Parts of these packages are in the CommonJS files of this one.\n`, ...texts].join("\n");
}

/** The directory of the installed package that a file belongs to. */
function packageOf(file: string): string | undefined {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(file)?.[0];
}

async function licenseOf(directory: string): Promise<string> {
  const manifest = await readFile(path.join(directory, "package.json"), "utf8");
  const { name, version } = JSON.parse(manifest) as { name: string; version: string };
  const file = (await readdir(directory)).find((each) => /^licen[cs]e(?:\.|$)/i.test(each));
  if (file === undefined) throw new Error(`${name} is bundled, and has no file with its license.`);
  const text = await readFile(path.join(directory, file), "utf8");
  return `== ${name} ${version}\n\n${text.trim()}\n`;
}
