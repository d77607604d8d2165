import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

const imported = /(?:from|import\()\s*"([^"]+)"/g;

/** Declaration files, and all those that they import, by their paths. Calls `onPackage` for packages. */
export async function readDeclarations(
  entries: readonly string[],
  onPackage: (specifier: string, file: string) => void = () => undefined,
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (texts.has(file)) continue;
    const text = await readFile(file, "utf8");
    texts.set(file, text);
    for (const [, specifier = ""] of text.matchAll(imported)) {
      if (!specifier.startsWith(".")) onPackage(specifier, file);
      else {
        const declared = specifier.replace(/\.(c?)js$/, ".d.$1ts");
        open.push(path.resolve(path.dirname(file), declared));
      }
    }
  }
  return texts;
}

/**
 * Writes the declarations of the CommonJS files beside those of the ES modules: `thread.d.cts` for
 * `thread.d.ts`. For TypeScript the same text declares two modules of different kinds.
 */
export async function writeCommonJsDeclarations(entries: readonly string[]): Promise<void> {
  for (const [file, text] of await readDeclarations(entries)) {
    const commonJs = text
      .replace(imported, (found) => found.replace(/(?<="\..*)\.js"$/, '.cjs"'))
      .replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
    await writeFile(file.replace(/\.d\.ts$/, ".d.cts"), commonJs);
  }
}
