import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";

/** The smallest files that look like programs of each kind to us. */
export const programs = {
  linuxX64: elf(62),
  linuxArm64: elf(183),
  linuxRiscV: elf(243),
  macOs: Buffer.from("cffaedfe0c000001", "hex"),
  windows: Buffer.from("MZ\u0090\0\u0003\0\0\0", "latin1"),
} as const;

/** A file's content, or a link to another place: `{ link: "../elsewhere" }`. */
export type Entry = string | Buffer | { readonly link: string };

/** Writes files below `root`; those with binary content, or with a #! line, become executable. */
export async function writeTree(
  root: string,
  entries: Readonly<Record<string, Entry>>,
): Promise<void> {
  for (const [name, entry] of Object.entries(entries)) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    if (typeof entry === "object" && "link" in entry) {
      await symlink(path.join(path.dirname(file), entry.link), file);
      continue;
    }
    await writeFile(file, entry);
    if (typeof entry !== "string" || entry.startsWith("#!")) await chmod(file, 0o755);
  }
}

/** The files of an installed `@openai/codex`: its launcher, and nothing that runs by itself. */
export function codexPackage(directory: string, version = "1.2.3"): Record<string, Entry> {
  return {
    [`${directory}/package.json`]: JSON.stringify({ name: "@openai/codex", version }),
    [`${directory}/bin/codex.js`]: "#!/usr/bin/env node\n",
  };
}

/** The files of an installed platform package. */
export function platformPackage(
  directory: string,
  triple: string,
  program: Buffer,
): Record<string, Entry> {
  return {
    [`${directory}/package.json`]: JSON.stringify({ name: "@openai/codex" }),
    ...vendorTree(`${directory}/vendor/${triple}`, triple, program),
  };
}

/** The files of one release for one platform. */
export function vendorTree(
  directory: string,
  triple: string,
  program: Buffer,
): Record<string, Entry> {
  const exe = triple.includes("windows") ? ".exe" : "";
  return {
    [`${directory}/codex-package.json`]: JSON.stringify({
      layoutVersion: 1,
      version: "1.2.3",
      target: triple,
      entrypoint: `bin/codex${exe}`,
      pathDir: "codex-path",
    }),
    [`${directory}/bin/codex${exe}`]: program,
    [`${directory}/codex-path/rg${exe}`]: program,
  };
}

function elf(machine: number): Buffer {
  const head = Buffer.alloc(64);
  head.write("\u007fELF\u0002\u0001\u0001", "latin1");
  head.writeUInt16LE(machine, 18);
  return head;
}
