export interface MatrixOptions {
  /** Which of the choices to run on; all when none is named. */
  readonly chosen: readonly string[];
  /** What jest is given: paths of tests, and options of its own. */
  readonly jestArgs: readonly string[];
}

/**
 * Reads `--<name> <choice>`, which may be repeated, out of a command line; all the rest is for jest.
 *
 * @throws Error for a choice that there is not.
 */
export function parseMatrixOptions(
  args: readonly string[],
  name: string,
  choices: readonly string[],
): MatrixOptions {
  const chosen: string[] = [];
  const jestArgs: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [option = "", value] = arg.split("=", 2);
    if (option === `--${name}`) chosen.push(value ?? rest.shift() ?? "");
    else jestArgs.push(arg);
  }
  for (const choice of chosen) {
    if (choices.includes(choice)) continue;
    throw new Error(`--${name} must be one of ${choices.join(", ")}, not "${choice}".`);
  }
  return { chosen: chosen.length === 0 ? choices : [...new Set(chosen)], jestArgs };
}
