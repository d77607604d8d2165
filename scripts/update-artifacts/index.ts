import path from "node:path";
import { runCommand } from "./command.js";
import { parseOptions, usage } from "./options.js";
import { updateArtifacts } from "./update-artifacts.js";

const root = path.resolve(import.meta.dirname, "..", "..");
const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

try {
  const options = parseOptions(process.argv.slice(2), root);
  if (options === "help") print(usage);
  else await updateArtifacts(options, runCommand, print);
} catch (error) {
  process.stderr.write(`update-artifacts: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}
