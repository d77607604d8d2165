/**
 * Makes `generated/` from the pinned codex binary. With `--check` it writes nothing and exits 1 when
 * the folder is not what it would write. Methods that this release dropped stay, and are written to
 * `kept.json`. `--out <folder>` names another folder.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generate } from "./generate.js";
import { readPrevious } from "./keep-dropped.js";
import { readKept, writeKept } from "./kept.js";
import { renderNote } from "./notes.js";
import { compareFiles, writeFiles } from "./output.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: { check: { type: "boolean", default: false }, out: { type: "string" } },
});
const folder = values.out === undefined ? resolve(root, "generated") : resolve(values.out);
const keptFile = resolve(import.meta.dirname, "kept.json");
try {
  const known = await readKept(keptFile);
  const isElsewhere = values.check || values.out !== undefined;
  const previous = isElsewhere ? undefined : await readPrevious(folder);
  const { files, notes, kept } = await generate(root, { kept: known, previous });

  if (values.check) {
    const problems = await compareFiles(folder, files);
    if (problems.length > 0) {
      console.error(`${folder} is not what the pinned binary gives; run npm run generate:`);
      for (const problem of problems) console.error(`  ${problem}`);
      process.exitCode = 1;
    }
  } else {
    const more = kept.filter(
      ({ kind, method }) => !known.some((each) => each.kind === kind && each.method === method),
    );
    // First, since only the files of the release before tell what is to be kept.
    if (JSON.stringify(kept) !== JSON.stringify(known)) await writeKept(keptFile, kept);
    await writeFiles(folder, files);
    console.log(`Wrote ${files.size} files to ${folder}`);
    for (const { method, lastRelease } of more)
      console.log(`  ${method}: kept from ${lastRelease}, since older servers have it`);
    if (notes.length > 0) console.log(`What the generator does not know (${notes.length}):`);
    for (const note of notes) console.log(`  ${renderNote(note)}`);
  }
} catch (error) {
  console.error(`generate: ${error instanceof Error ? error.message : "failed"}`);
  process.exitCode = 1;
}
