import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What a program can import from the package. */
export interface EntryPoint {
  /** As it is imported: `codex-app-server-sdk/testing`. */
  readonly specifier: string;
  /** The source file behind it, from the root of the project: `lib/testing/index.ts`. */
  readonly source: string;
}

interface PackageManifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | ExportConditions>>;
}

/** Of an ES module alone, or of one that is there for CommonJS, too. */
interface ExportConditions {
  readonly types?: string;
  readonly import?: { readonly types?: string };
}

export async function readEntryPoints(root: string): Promise<EntryPoint[]> {
  const manifest = await readFile(join(root, "package.json"), "utf8");
  return entryPointsOf(JSON.parse(manifest) as PackageManifest);
}

/** The exports of a package that have types; the others are data. */
export function entryPointsOf({ name, exports }: PackageManifest): EntryPoint[] {
  return Object.entries(exports).flatMap(([path, target]) => {
    const types = typeof target === "string" ? undefined : (target.types ?? target.import?.types);
    const source = types?.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, ".ts");
    return source ? [{ specifier: `${name}${path.slice(1)}`, source }] : [];
  });
}
