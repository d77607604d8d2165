import { readFile } from "node:fs/promises";
import path from "node:path";
import { writeIfChanged } from "./write-file.js";

/** Sets the exact version of the `@openai/codex` dev dependency, and touches nothing else. */
export async function updatePin(
  root: string,
  version: string,
  dryRun: boolean,
): Promise<"changed" | "unchanged"> {
  const file = path.join(root, "package.json");
  const text = await readFile(file, "utf8");
  const pin = /("devDependencies"\s*:\s*\{[^}]*?"@openai\/codex"\s*:\s*")([^"]*)(")/;
  if (!pin.test(text)) throw new Error(`${file} has no dev dependency on @openai/codex.`);
  const updated = text.replace(
    pin,
    (_match, before: string, _old, after: string) => `${before}${version}${after}`,
  );
  return writeIfChanged(file, updated, dryRun);
}
