/**
 * Makes `generated/` from the pinned codex binary. With `--check` it writes nothing and exits 1 when
 * the folder is not what it would write. `--out <folder>` names another folder.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "./generate.js";
import { renderNote } from "./notes.js";
import { compareFiles, writeFiles } from "./output.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: { check: { type: "boolean", default: false }, out: { type: "string" } },
});
const folder = values.out === undefined ? resolve(root, "generated") : resolve(values.out);
const { files, notes } = await generate(root);

if (values.check) {
  const problems = await compareFiles(folder, files);
  if (problems.length > 0) {
    console.error(`${folder} is not what the pinned binary gives; run npm run generate:`);
    for (const problem of problems) console.error(`  ${problem}`);
    process.exitCode = 1;
  }
} else {
  await writeFiles(folder, files);
  console.log(`Wrote ${files.size} files to ${folder}`);
  if (notes.length > 0) console.log(`What the generator does not know (${notes.length}):`);
  for (const note of notes) console.log(`  ${renderNote(note)}`);
}
