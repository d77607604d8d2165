import { checkConfiguredSafety, checkOverrideSafety } from "../errors/check-safety.js";
import {
  check,
  checkFields,
  checkObject,
  checkWellFormed,
  flag,
  object,
  string,
  text,
  type Rule,
  type RulesOf,
} from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { LaunchCommandLine } from "./launch-command.js";
import type { LaunchOptions } from "./launch-options.js";

const list: Rule = { fits: Array.isArray, problem: "must be an array of strings" };

export const launchRules: RulesOf<LaunchOptions> = {
  launch: object,
  codexPath: text,
  cwd: text,
  env: object,
  codexHome: text,
  inheritEnv: flag,
  config: object,
  configOverrides: list,
};

const commandLineRules: RulesOf<LaunchCommandLine> = { command: text, args: list, detached: flag };

const variableName: Rule = {
  fits: (name) => !/^$|[=\0]/.test(name as string),
  problem: 'is not a name for a variable: it must not be empty, nor contain "=" or a NUL character',
};
const variableValue: Rule = { ...string, problem: "must be a string, or undefined to remove it" };
const assignment: Rule = {
  // A leading "-" would be read as another option.
  fits: (value) => typeof value === "string" && /^\s*[^\s=-][^=]*=/.test(value),
  problem: 'must be a string of the form "key=value"',
};
const withoutNul: Rule = {
  fits: (value) => !(value as string).includes("\0"),
  problem: "must not contain a NUL character",
};

/**
 * Checks what can be checked without looking at the disk. The types say the same, but much of what
 * arrives here comes from JavaScript, from JSON, or from the environment.
 */
export function checkLaunchOptions(options: LaunchOptions): void {
  checkFields(options, launchRules);
  const { launch, codexHome, env = {}, config, configOverrides = [] } = options;
  for (const name of ["codexPath", "cwd", "codexHome"] as const) {
    checkPassable(name, options[name] ?? "");
  }
  if (launch !== undefined) checkCommandLine(launch, options);
  for (const [name, value] of Object.entries(env)) {
    const argument = `env[${JSON.stringify(name)}]`;
    check(argument, name, variableName);
    checkWellFormed(argument, name);
    if (value === undefined) continue;
    check(`env.${name}`, value, variableValue);
    checkPassable(`env.${name}`, value);
  }
  checkConfiguredSafety(config);
  for (const [index, override] of configOverrides.entries()) {
    const argument = `configOverrides[${index}]`;
    check(argument, override, assignment);
    checkPassable(argument, override);
    checkOverrideSafety(argument, override);
  }
  if (codexHome === undefined) return;
  if (launch !== undefined) {
    const problem = "is for a server of this machine. With launch, give your command CODEX_HOME.";
    throw new InvalidArgumentError("codexHome", problem);
  }
  if (env["CODEX_HOME"] === undefined) return;
  throw new InvalidArgumentError("codexHome", "says what env.CODEX_HOME says. Give only one.");
}

function checkCommandLine(launch: LaunchCommandLine, options: LaunchOptions): void {
  checkObject("launch", launch, commandLineRules);
  const { command, args = [] } = launch;
  check("launch.command", command, text);
  checkPassable("launch.command", command);
  for (const [index, argument] of args.entries()) {
    check(`launch.args[${index}]`, argument, string);
    checkPassable(`launch.args[${index}]`, argument);
  }
  for (const other of ["codexPath", "config", "configOverrides"] as const) {
    if (options[other] === undefined) continue;
    throw new InvalidArgumentError(
      other,
      "would be ignored, because launch replaces the whole command line. Give only one of the two.",
    );
  }
}

/** Refuses text that no process can be given as it is: Node refuses NUL, and replaces lone surrogates. */
function checkPassable(argument: string, value: string): void {
  check(argument, value, withoutNul);
  checkWellFormed(argument, value);
}
