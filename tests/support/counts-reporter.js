import path from "node:path";

/** Ends the run with the number of tests by folder, and one plain line that any CI can read. */
export default class CountsReporter {
  onRunComplete(_contexts, results) {
    const byFolder = new Map();
    for (const suite of results.testResults) {
      const folder = path.relative(import.meta.dirname, suite.testFilePath).split(path.sep)[1];
      byFolder.set(folder, (byFolder.get(folder) ?? 0) + suite.testResults.length);
    }
    for (const [folder, count] of [...byFolder].sort()) console.log(`tests/${folder}: ${count}`);
    const { numPassedTests, numFailedTests, numPendingTests } = results;
    console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`);
  }
}
