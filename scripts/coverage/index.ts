/**
 * Makes docs/coverage.md from the protocol's methods, from what the tests have touched when they ran
 * last (`npm test` and `npm run test:long` note it), and from offers.ts and not-real.ts. With `--check` it writes nothing
 * and exits 1 when the table does not hold. With `--list` it brings only the list of methods in line with
 * the protocol, from whatever the tests have touched, and prints what the table then lacks. Tools for
 * coverage count lines of code; none knows the methods of a protocol.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkCoverage } from "./check-coverage.js";
import { checkOffers } from "./check-offers.js";
import { chooseTest, isReal } from "./choose-test.js";
import { keyOf, readCoverage, renderCoverage, type CoverageRow } from "./coverage-table.js";
import { offersOf } from "./offers.js";
import { readProtocol, type Method } from "./protocol.js";
import { readRecordings } from "./recordings.js";
import { notReal } from "./not-real.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

const path = join(root, "docs/coverage.md");
const text = await readFile(path, "utf8").catch(() => "");
const committed = readCoverage(text);
const methods = await readProtocol(root);
const files = values.list ? [] : await readRecordings(root, join(root, "coverage/protocol"));

const problems = values.list
  ? await write()
  : files.length === 0
    ? ["nothing was noted about the tests: run npm test and npm run test:long first"]
    : values.check
      ? check()
      : await write();
const badOffers = checkOffers(root, [...new Set(methods.flatMap((method) => offersOf(method)))]);
problems.push(...badOffers.map((offer) => `offers.ts names ${offer}, which does not exist`));

const say = values.list ? console.log : console.error;
for (const problem of problems) say(`docs/coverage.md: ${problem}`);
if (problems.length > 0 && !values.list) {
  console.error("After npm test and npm run test:long, npm run coverage writes the table anew.");
  process.exitCode = 1;
}

async function write(): Promise<string[]> {
  const rows = methods.map((method) => {
    const before = committed.get(keyOf(method));
    return rowOf(
      method,
      values.list ? before : chooseTest(method, files, offersOf(method), before),
    );
  });
  await writeFile(path, renderCoverage(rows));
  return rows.flatMap((row) => {
    const key = keyOf(row);
    if (!isReal(row.test) && row.reason === undefined) {
      return [`${key}: no real test, and no reason in not-real.ts`];
    }
    const stale = isReal(row.test) && row.method in notReal;
    return stale ? [`${key}: a real test touches it; take it out of not-real.ts`] : [];
  });
}

/** A test that did more than last time, by chance, is no reason to fail; one that did less is. */
function check(): string[] {
  const rows = methods.map((method) => rowOf(method, committed.get(keyOf(method))));
  const found = checkCoverage(rows, committed, files);
  const drifted = found.length === 0 && renderCoverage(rows) !== text;
  return drifted ? ["it is not what offers.ts and not-real.ts say"] : found;
}

function rowOf(method: Method, test: string | undefined): CoverageRow {
  const reason = isReal(test) ? undefined : notReal[method.method];
  return { ...method, offers: offersOf(method), test, reason };
}
