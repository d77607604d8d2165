import { parseArgs } from "node:util";
import type { DiagnoseOptions } from "../doctor/diagnose.js";
import { UsageError } from "./usage-error.js";

export const doctorHelp = `Usage: codex-app-server-sdk doctor [options]

Says what would go wrong for an application that uses the library here, and what to do about it. It starts the
server that the application would start, in the same directory, and asks no model.

Options:
  --codex-path <file>   the codex executable, as the option codexPath of new Codex()
  --codex-home <dir>    the directory of the server, as the option codexHome
  --cwd <dir>           the directory in which the server runs, as the option cwd
  --url <url>           a server that runs already, as the option url: in place of the three above
  --token-env <name>    with --url: the environment variable that has the token
  --timeout <seconds>   how long all checks together may take (default 60)
  --json                print one JSON document, for programs
  --help                show this text

Exit code: 0 when nothing would fail, though there may be warnings; 1 when something would fail; 2 for options
that do not fit.
`;

/** A command line of the doctor, read. */
export interface DoctorArguments {
  readonly options: Omit<DiagnoseOptions, "signal">;
  readonly json: boolean;
  /** The text to show, and nothing else, when that was asked for. */
  readonly help?: string;
}

const options = {
  "codex-path": { type: "string" },
  "codex-home": { type: "string" },
  cwd: { type: "string" },
  url: { type: "string" },
  "token-env": { type: "string" },
  timeout: { type: "string", default: "60" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** @throws UsageError, which names the option. */
export function parseDoctorArguments(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): DoctorArguments {
  const values = parse(args);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") throw new UsageError(`--${name} must not be empty.`);
  }
  const { url, json, help } = values;
  const toStart = (["codex-path", "codex-home", "cwd"] as const).filter((name) => values[name]);
  if (url !== undefined && toStart[0] !== undefined) {
    throw new UsageError(
      `--${toStart[0]} is for a server that is started. Leave it out with --url.`,
    );
  }
  return {
    options: {
      codexPath: values["codex-path"],
      codexHome: values["codex-home"],
      cwd: values.cwd,
      url,
      token: tokenFrom(values["token-env"], url, env),
      timeoutMs: milliseconds(values.timeout),
    },
    json,
    ...(help ? { help: doctorHelp } : {}),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const [first] = (error as Error).message.split(". ", 1);
    throw new UsageError(`${first}. The options are in: codex-app-server-sdk doctor --help`);
  }
}

/** A token on the command line could be seen by every user of the machine. */
function tokenFrom(
  name: string | undefined,
  url: string | undefined,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (name === undefined) return undefined;
  if (url === undefined) throw new UsageError("--token-env is for --url. Give both, or neither.");
  const token = env[name]?.trim() ?? "";
  if (token === "") throw new UsageError(`--token-env: the variable ${name} is not set.`);
  return token;
}

const maxSeconds = 86_400;

function milliseconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= maxSeconds) return seconds * 1_000;
  throw new UsageError(`--timeout must be a number of seconds, above 0 and up to ${maxSeconds}.`);
}
