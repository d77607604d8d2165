import { readFile } from "node:fs/promises";
import path from "node:path";

/**
 * Follows the public declarations and fails when one shows a type of a dependency: users would have
 * to install it to compile, and could not be kept from relying on it.
 */
export async function checkDeclarations(folder: string): Promise<void> {
  const open = [path.join(folder, "index.d.ts"), path.join(folder, "testing/index.d.ts")];
  const seen = new Set(open);
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const text = await readFile(file, "utf8");
    for (const [, specifier = ""] of text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)) {
      if (specifier.startsWith("node:")) continue;
      if (!specifier.startsWith(".")) {
        throw new Error(`${path.relative(folder, file)} shows a type of ${specifier}.`);
      }
      const next = path.resolve(path.dirname(file), specifier.replace(/\.js$/, ".d.ts"));
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  console.log(`${seen.size} declaration files show no type of a dependency`);
}
