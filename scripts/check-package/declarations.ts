import path from "node:path";
import { readDeclarations } from "../build/declarations.js";

/**
 * Follows the public declarations and fails when one shows a type of a dependency: users would have
 * to install it to compile, and could not be kept from relying on it.
 */
export async function checkDeclarations(folder: string): Promise<void> {
  for (const extension of ["d.ts", "d.cts"]) {
    const read = (names: readonly string[], allowed: string) =>
      readDeclarations(
        names.map((name) => path.join(folder, `${name}.${extension}`)),
        (specifier, file) => {
          if (allowed !== "" && specifier.startsWith(allowed)) return;
          throw new Error(`${path.relative(folder, file)} shows a type of ${specifier}.`);
        },
      );
    const files = await read(["index", "http/index", "ai/index", "testing/index"], "node:");
    console.log(`${files.size} files *.${extension} show no type of a dependency`);
    const ofPages = await read(["browser/index"], "");
    console.log(`${ofPages.size} files *.${extension} show no type of Node.js either`);
  }
}
