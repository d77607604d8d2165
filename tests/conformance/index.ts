/**
 * `npm run conformance`: runs every scenario of tests/conformance and prints what our client made of
 * it; ends with 1 when one is not as it must be. `--only text` runs those whose name has the text.
 * `--markdown` prints the table of docs/reliability.md, `--write` puts it there, and `--check` fails
 * when the table there is another one, or names tests that are not there; these run nothing.
 */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { conformanceTable, missingFiles, withTable } from "./markdown.js";
import { runAll } from "./run-all.js";

const document = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      markdown: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      only: { type: "string", default: "" },
    },
  });
  if (values.markdown) {
    console.log(conformanceTable());
    return 0;
  }
  if (values.write || values.check) {
    const before = await readFile(document, "utf8");
    const after = withTable(before);
    if (values.write) await writeFile(document, after);
    const missing = missingFiles(after, path.dirname(document));
    for (const file of missing)
      console.error(`docs/reliability.md names ${file}, which is not there`);
    const isSame = values.write || after === before;
    if (!isSame) {
      console.error("docs/reliability.md lists other scenarios: npm run conformance -- --write");
    }
    return isSame && missing.length === 0 ? 0 : 1;
  }
  const node = process.env["CONFORMANCE_NODE"] ?? process.execPath;
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
  const { count, failed, seconds } = await runAll(values.only);
  console.log(
    `\n${count - failed} of ${count} scenarios are as they must be, on Node ${version}, in ${seconds} s.`,
  );
  return failed === 0 && count > 0 ? 0 : 1;
}

process.exitCode = await main();
