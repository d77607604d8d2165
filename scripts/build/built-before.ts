import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

/** All that the files in `dist/` depend on. The lock file stands for the packages that are bundled, and for the tools. */
const inputs = [
  "generated",
  "lib",
  "package-lock.json",
  "package.json",
  "scripts/build",
  "tsconfig.build.json",
  "tsconfig.json",
];

/** Remembers from what `dist/` was made, so that commands which need it do not make it again each. */
export class BuiltBefore {
  readonly #root: string;
  readonly #dist: string;
  readonly #note: string;

  constructor(root: string, dist: string) {
    this.#root = root;
    this.#dist = dist;
    this.#note = path.join(root, "node_modules/.cache/codex-app-server-sdk/build.txt");
  }

  /** Whether `dist/` has, to the byte, what was made from these very sources. */
  async isUpToDate(): Promise<boolean> {
    const noted = await readFile(this.#note, "utf8").catch(() => undefined);
    return noted === (await this.#current());
  }

  async remember(): Promise<void> {
    await mkdir(path.dirname(this.#note), { recursive: true });
    await writeFile(this.#note, await this.#current());
  }

  async #current(): Promise<string> {
    const sources = inputs.map((input) => path.join(this.#root, input));
    return hashOf(this.#root, [...sources, this.#dist]);
  }
}

/** One hash over the names and the contents of all files. */
async function hashOf(root: string, places: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const place of places) {
    for (const file of await filesIn(place)) {
      const content = createHash("sha256").update(await readFile(file));
      hash.update(`${path.relative(root, file)}\n${content.digest("hex")}\n`);
    }
  }
  return hash.digest("hex");
}

/** The files of a folder, in the order of their names; a file that is named itself; none for what is not there. */
async function filesIn(place: string): Promise<string[]> {
  const entries = await readdir(place, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOTDIR" || code === "ENOENT") return code;
      throw error;
    },
  );
  if (entries === "ENOTDIR") return [place];
  if (typeof entries === "string") return [];
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => path.join(parentPath, name)).sort();
}
