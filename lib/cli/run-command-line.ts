import { SDK_VERSION } from "../index.js";
import { endOnSignals } from "./end-on-signals.js";
import { doctorHelp, runDoctor } from "./run-doctor.js";
import { UsageError } from "./usage-error.js";
import { write } from "./write.js";

const help = `Usage: codex-app-server-sdk <command>

Commands:
  doctor       say what would go wrong for an application that uses the library here

Options:
  --help       show this text, or that of a command
  --version    show the version of the library
`;

/** Runs a command and ends the process with its exit code: 2 for a command line that does not fit. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  const ended = endOnSignals();
  try {
    await exit(await run(args, ended.signal));
  } catch (error) {
    if (ended.exitCode !== undefined) await exit(ended.exitCode);
    if (!(error instanceof UsageError)) throw error;
    await write(process.stderr, `${error.message}\n`);
    await exit(2);
  }
}

async function run(args: readonly string[], signal: AbortSignal): Promise<number> {
  const [command, ...rest] = args;
  switch (command) {
    case "doctor":
      return runDoctor(rest, signal);
    case "--version":
      await write(process.stdout, `${SDK_VERSION}\n`);
      return 0;
    case "--help":
    case "-h":
    case undefined:
      await write(process.stdout, command === undefined ? `${help}\n${doctorHelp}` : help);
      return command === undefined ? 2 : 0;
    default:
      throw new UsageError("There is no such command. The only one is: doctor");
  }
}

/** At once: what a check has given up on may still be under way. */
async function exit(code: number): Promise<never> {
  await write(process.stdout, "");
  process.exit(code);
}
