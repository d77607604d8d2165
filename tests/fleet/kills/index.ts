import { killRun } from "./kill-run.js";

// npm run test:fleet-kills [turns] [threads] [kills]: prints a table, and ends with 1 if a promise was broken.
const [turns = 500, threads = 100, kills = 30] = process.argv.slice(2).map(Number);
const report = await killRun({
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
