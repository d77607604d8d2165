import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";

const pin = /("devDependencies"\s*:\s*\{[^}]*?"@openai\/codex"\s*:\s*")([^"]*)(")/;

/** Sets the exact version of the `@openai/codex` dev dependency, and touches nothing else. */
export async function writePin(root: string, version: string): Promise<void> {
  const file = path.join(root, "package.json");
  const text = await readFile(file, "utf8");
  const updated = text.replace(
    pin,
    (_match, before: string, _old, after: string) => `${before}${version}${after}`,
  );
  await writeFile(file, updated);
}
