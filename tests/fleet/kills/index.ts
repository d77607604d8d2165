import { parseArgs } from "node:util";
import { killRun } from "./kill-run.js";

// npm run test:fleet-kills -- [--postgres] [turns] [threads] [kills]: prints a table, and ends with 1 if a promise was broken.
const { values, positionals } = parseArgs({
  options: { postgres: { type: "boolean", default: false } },
  allowPositionals: true,
});
const [turns = 500, threads = 100, kills = 30] = positionals.map(Number);
const report = await killRun({
  database: values.postgres ? "postgres" : "redis",
  turns,
  threads,
  kills,
  killEveryMs: 1_500,
  lockDuration: 4_000,
  say: (line) => {
    process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);
  },
});
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
const { startedTwice, outOfOrder, neverRan, badViewers } = report;
const broken = [startedTwice, outOfOrder, neverRan, badViewers].some((list) => list.length > 0);
process.exitCode = broken ? 1 : 0;
