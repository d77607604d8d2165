/**
 * Feeds the client what no server should send: `npm run fuzz -- --seconds 300`. What does not hold is
 * made small, kept in tests/fixtures/fuzz-corpus, and replayed from then on. `--input file` feeds one
 * input only; `--seed n` repeats a run; `--dry` keeps nothing.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { keepFinding } from "./corpus.js";
import { fuzz } from "./fuzz.js";
import { Random } from "./random.js";
import { feed } from "./subject.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    input: { type: "string" },
    dry: { type: "boolean", default: false },
  },
});

if (values.input === undefined) await run();
else await repeat(values.input);

async function run(): Promise<void> {
  const seed = values.seed === undefined ? Date.now() % 4_294_967_296 : Number(values.seed);
  const seconds = Number(values.seconds);
  if (!(seconds >= 0) || !Number.isInteger(seed))
    throw new Error("--seconds and --seed are numbers");
  const report = (line: string): void => {
    console.log(line);
  };
  const { executions, bytes, pool, peakHeapMiB, finding, ...rest } = await fuzz({
    seconds,
    seed,
    report,
  });
  const time = `${rest.seconds.toFixed(0)} s`;
  const megabytes = (bytes / 1_048_576).toFixed(1);
  console.log(
    `${executions} executions (${megabytes} MiB) in ${time}, seed ${seed}, pool of ${pool}, ` +
      `heap at most ${peakHeapMiB} MiB: ${finding ? "1 finding" : "no finding"}`,
  );
  if (!finding) return;
  process.exitCode = 1;
  console.log(`\n${finding.failure}\n\n${JSON.stringify(finding.input.toString("latin1"))}\n`);
  if (values.dry) return;
  const file = await keepFinding(finding.input);
  console.log(`Repeat it with: npm run fuzz -- --input ${file}`);
}

async function repeat(file: string): Promise<void> {
  const input = await readFile(file);
  const { failure } = await feed(input, new Random(input.length));
  console.log(failure ?? "It holds.");
  if (failure !== undefined) process.exitCode = 1;
}
