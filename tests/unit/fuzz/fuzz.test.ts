import { expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { readCorpus } from "../../fuzz/corpus.js";
import { minimise } from "../../fuzz/minimise.js";
import { mutate } from "../../fuzz/mutate.js";
import { Random } from "../../fuzz/random.js";
import { compileProgram } from "../../support/compile-program.js";

const script = await compileProgram(new URL("../../fuzz/index.ts", import.meta.url));

test("a short run of the fuzzer, after the whole corpus, finds nothing", async () => {
  const args = [script, "--seconds", "3", "--dry"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [, executions] = /^(\d+) executions .*: no finding$/m.exec(stdout) ?? [];
  expect(Number(executions)).toBeGreaterThanOrEqual((await readCorpus()).length);
});

test("a run can be repeated: the same seed makes the same inputs", async () => {
  const seeds = (await readCorpus()).map(({ bytes }) => bytes);
  const make = (seed: number) => {
    const random = new Random(seed);
    const next = () => mutate(random.pick(seeds) ?? Buffer.alloc(0), seeds, random);
    return Array.from({ length: 200 }, () => next().toString("latin1"));
  };
  const inputs = make(7).join("|");
  expect(make(7).join("|") === inputs).toBe(true);
  expect(make(8).join("|") === inputs).toBe(false);
  expect(new Set(make(7)).size).toBeGreaterThan(150);
});

test("a finding is made small, and still fails", async () => {
  const input = Buffer.from(`${"noise\n".repeat(40)}one {"needle":1} two\n${"more\n".repeat(40)}`);
  const small = await minimise(input, (some) => Promise.resolve(some.includes('"needle"')));
  expect(small.toString()).toBe('"needle"');
});
