import { checkKeys, type KeysOf } from "../errors/check-options.js";
import { checkConfiguredSafety, checkOverrideSafety } from "../errors/check-safety.js";
import { check, checkFields, checkText, checkWellFormed, flag } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { LaunchOptions } from "./launch-options.js";

type Fields = Readonly<Record<string, unknown>>;

/** Checks an option that is given; `options` are all of them. */
type Check = (argument: string, value: unknown, options: Fields) => void;

export const launchKeys: Readonly<Record<keyof LaunchOptions, Check>> = {
  launch: checkCommandLine,
  codexPath: checkPassableText,
  cwd: checkPassableText,
  env: checkEnv,
  codexHome: checkCodexHome,
  inheritEnv: (argument, value) => {
    check(argument, value, flag);
  },
  config: (argument, value) => {
    checkConfiguredSafety(asRecord(argument, value));
  },
  configOverrides: checkOverrides,
};

const commandLineKeys: KeysOf<NonNullable<LaunchOptions["launch"]>> = {
  command: true,
  args: true,
  detached: true,
};

/**
 * Checks what can be checked without looking at the disk. The types say the same, but much of what
 * arrives here comes from JavaScript, from JSON, or from the environment.
 *
 * @throws InvalidArgumentError
 */
export function checkLaunchOptions(options: LaunchOptions): void {
  const given = asRecord("options", options);
  for (const [name, checkOption] of Object.entries(launchKeys)) {
    if (given[name] !== undefined) checkOption(name, given[name], given);
  }
}

function checkCommandLine(_name: string, value: unknown, options: Fields): void {
  const launch = asRecord("launch", value);
  checkKeys("launch", launch, commandLineKeys);
  const { command, args = [] } = launch;
  checkPassableText("launch.command", command);
  for (const [argument, text] of entriesOf("launch.args", args)) {
    if (typeof text !== "string") throw new InvalidArgumentError(argument, "must be a string.");
    checkPassable(argument, text);
  }
  checkFields(launch, { detached: flag }, "launch");
  for (const other of ["codexPath", "config", "configOverrides"]) {
    if (options[other] === undefined) continue;
    throw new InvalidArgumentError(
      other,
      "would be ignored, because launch replaces the whole command line. Give only one of the two.",
    );
  }
}

function checkCodexHome(argument: string, value: unknown, { env, launch }: Fields): void {
  checkPassableText(argument, value);
  if (launch !== undefined) {
    const problem = "is for a server of this machine. With launch, give your command CODEX_HOME.";
    throw new InvalidArgumentError(argument, problem);
  }
  if ((env as Fields | undefined)?.["CODEX_HOME"] === undefined) return;
  throw new InvalidArgumentError(argument, "says what env.CODEX_HOME says. Give only one.");
}

function checkEnv(_name: string, env: unknown): void {
  for (const [name, value] of Object.entries(asRecord("env", env))) {
    const argument = `env[${JSON.stringify(name)}]`;
    if (name === "" || /[=\0]/.test(name)) {
      throw new InvalidArgumentError(
        argument,
        'is not a name for a variable: it must not be empty, nor contain "=" or a NUL character.',
      );
    }
    checkWellFormed(argument, name);
    if (value === undefined) continue;
    if (typeof value !== "string") {
      throw new InvalidArgumentError(`env.${name}`, "must be a string, or undefined to remove it.");
    }
    checkPassable(`env.${name}`, value);
  }
}

function checkOverrides(name: string, overrides: unknown): void {
  for (const [argument, override] of entriesOf(name, overrides)) {
    // A leading "-" would be read as another option.
    if (typeof override !== "string" || !/^\s*[^\s=-][^=]*=/.test(override)) {
      throw new InvalidArgumentError(argument, 'must be a string of the form "key=value".');
    }
    checkPassable(argument, override);
    checkOverrideSafety(argument, override);
  }
}

function checkPassableText(argument: string, value: unknown): void {
  checkText(argument, value);
  checkPassable(argument, value as string);
}

/** Refuses text that no process can be given as it is: Node refuses NUL, and replaces lone surrogates. */
function checkPassable(argument: string, value: string): void {
  if (value.includes("\0")) {
    throw new InvalidArgumentError(argument, "must not contain a NUL character.");
  }
  checkWellFormed(argument, value);
}

/** The items of an array, each with its path. */
function entriesOf(argument: string, value: unknown): [string, unknown][] {
  if (!Array.isArray(value)) {
    throw new InvalidArgumentError(argument, "must be an array of strings.");
  }
  return Array.from(value, (item: unknown, index) => [`${argument}[${index}]`, item]);
}

function asRecord(argument: string, value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InvalidArgumentError(argument, "must be an object.");
}
