import { checkKeys, type KeysOf } from "../errors/check-options.js";
import { checkConfiguredSafety, checkOverrideSafety } from "../errors/check-safety.js";
import { checkFields, checkText, flag } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { checkWellFormed } from "../errors/well-formed.js";
import type { LaunchOptions } from "./launch-options.js";

export const launchKeys: KeysOf<LaunchOptions> = {
  codexPath: true,
  launch: true,
  codexHome: true,
  cwd: true,
  env: true,
  inheritEnv: true,
  config: true,
  configOverrides: true,
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
  const given: Readonly<Record<keyof LaunchOptions, unknown>> = asRecord("options", options);
  checkCommandLine(given);
  if (given.codexPath !== undefined) checkPassableText("codexPath", given.codexPath);
  if (given.cwd !== undefined) checkPassableText("cwd", given.cwd);
  if (given.env !== undefined) checkEnv(given.env);
  if (given.codexHome !== undefined) checkCodexHome(given);
  checkFields(given, { inheritEnv: flag });
  if (given.config !== undefined) checkConfiguredSafety(asRecord("config", given.config));
  if (given.configOverrides !== undefined) checkOverrides(given.configOverrides);
}

function checkCommandLine(given: Readonly<Record<keyof LaunchOptions, unknown>>): void {
  if (given.launch === undefined) return;
  const launch = asRecord("launch", given.launch);
  checkKeys("launch", launch, commandLineKeys);
  checkPassableText("launch.command", launch.command);
  if (launch.args !== undefined) {
    checkArray("launch.args", launch.args).forEach((argument, index) => {
      if (typeof argument !== "string") {
        throw new InvalidArgumentError(`launch.args[${index}]`, "must be a string.");
      }
      checkPassable(`launch.args[${index}]`, argument);
    });
  }
  checkFields(launch, { detached: flag }, "launch");
  for (const other of ["codexPath", "config", "configOverrides"] as const) {
    if (given[other] === undefined) continue;
    throw new InvalidArgumentError(
      other,
      "would be ignored, because launch replaces the whole command line. Give only one of the two.",
    );
  }
}

function checkCodexHome({ codexHome, env, launch }: Readonly<Record<string, unknown>>): void {
  checkPassableText("codexHome", codexHome);
  if (launch !== undefined) {
    const problem = "is for a server of this machine. With launch, give your command CODEX_HOME.";
    throw new InvalidArgumentError("codexHome", problem);
  }
  if ((env as Record<string, unknown> | undefined)?.["CODEX_HOME"] === undefined) return;
  throw new InvalidArgumentError("codexHome", "says what env.CODEX_HOME says. Give only one.");
}

function checkEnv(env: unknown): void {
  for (const [name, value] of Object.entries(asRecord("env", env))) {
    if (name === "" || /[=\0]/.test(name)) {
      throw new InvalidArgumentError(
        `env[${JSON.stringify(name)}]`,
        'is not a name for a variable: it must not be empty, nor contain "=" or a NUL character.',
      );
    }
    checkWellFormed(`env[${JSON.stringify(name)}]`, name);
    if (value === undefined) continue;
    if (typeof value !== "string") {
      throw new InvalidArgumentError(`env.${name}`, "must be a string, or undefined to remove it.");
    }
    checkPassable(`env.${name}`, value);
  }
}

function checkOverrides(overrides: unknown): void {
  checkArray("configOverrides", overrides).forEach((override, index) => {
    const argument = `configOverrides[${index}]`;
    // A leading "-" would be read as another option.
    if (typeof override !== "string" || !/^\s*[^\s=-][^=]*=/.test(override)) {
      throw new InvalidArgumentError(argument, 'must be a string of the form "key=value".');
    }
    checkPassable(argument, override);
    checkOverrideSafety(argument, override);
  });
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

function checkArray(argument: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new InvalidArgumentError(argument, "must be an array of strings.");
}

function asRecord(argument: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new InvalidArgumentError(argument, "must be an object.");
}
