/**
 * `npm run picture`: runs an example against the real server and a scripted model, and draws what it
 * prints as docs/terminal.svg. When it prints what it printed before, the earlier timing stays, so that
 * the file stays as it is; `--again` takes the new timing. A real test says when the picture is behind.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { format } from "prettier";
import { printedText, record, type Recording } from "./recording.js";
import { render } from "./render.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = fileURLToPath(new URL("recording.json", import.meta.url));

const { values } = parseArgs({ options: { again: { type: "boolean", default: false } } });
const fresh = await record(root, 90);
const earlier = await readFile(file, "utf8").then(
  (text) => JSON.parse(text) as Recording,
  () => undefined,
);
const isSame = earlier !== undefined && printedText(earlier) === printedText(fresh);
const recording = isSame && !values.again ? earlier : fresh;
const picture = render(recording);
await writeFile(file, await format(JSON.stringify(recording), { parser: "json" }));
await writeFile(`${root}docs/terminal.svg`, picture);
console.log(
  `docs/terminal.svg: ${picture.length} characters, ${isSame ? "as before" : "something new"}`,
);
