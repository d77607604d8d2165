/**
 * Makes `docs/api/`: the reference from the docstrings, and the report of the public surface. With
 * `--check` it writes nothing and exits 1 when the folder is not what it would write.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compareFiles, writeFiles } from "../generate/output.js";
import { emitDeclarations } from "./declarations.js";
import { readEntryPoints } from "./entry-points.js";
import { renderReference } from "./reference.js";
import { renderReport } from "./report.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });

const entryPoints = await readEntryPoints(root);
const files = new Map([
  ...(await renderReference(root, entryPoints)),
  ["report.md", await renderReport(emitDeclarations(root), entryPoints)],
]);
const folder = join(root, "docs/api");

if (values.check) {
  const problems = await compareFiles(folder, files);
  if (problems.length > 0) {
    console.error("docs/api is not what the sources say. If the change is meant, run npm run api");
    console.error("and commit what it writes; report.md shows how the public surface changes.");
    for (const problem of problems) console.error(`  ${problem}`);
    process.exitCode = 1;
  }
} else {
  await writeFiles(folder, files);
  console.log(`Wrote ${files.size} files to docs/api`);
}
