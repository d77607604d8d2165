import path from "node:path";
import { readDeclarations } from "../build/declarations.js";

/**
 * Follows the public declarations and fails when one shows a type of a dependency: users would have
 * to install it to compile, and could not be kept from relying on it.
 */
export async function checkDeclarations(folder: string): Promise<void> {
  for (const extension of ["d.ts", "d.cts"]) {
    const entries = ["index", "testing/index"].map((name) => `${name}.${extension}`);
    const files = await readDeclarations(
      entries.map((entry) => path.join(folder, entry)),
      (specifier, file) => {
        if (specifier.startsWith("node:")) return;
        throw new Error(`${path.relative(folder, file)} shows a type of ${specifier}.`);
      },
    );
    console.log(`${files.size} files *.${extension} show no type of a dependency`);
  }
}
