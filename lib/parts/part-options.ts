import { checkKeys, checkOptions, type KeysOf } from "../errors/check-options.js";
import { checkFields, flag, text, type RulesOf } from "../errors/check-values.js";
import { VisiblePaths } from "./visible-paths.js";

/** Decides what of a turn its parts show. */
export interface PartOptions {
  /**
   * The thread's directory, absolute, as the server names it: behind symbolic links it may have another name
   * than yours. Paths in it are shown relative to it, with slashes. Without it, every absolute path counts as
   * outside.
   */
  readonly cwd?: string | undefined;
  readonly show?: PartVisibility | undefined;
}

/** What is shown, one option for each kind. */
export interface PartVisibility {
  /**
   * Paths outside the thread's directory, where a path has a field or a diff's header of its own (default
   * false: `"[outside]"`, or the field is left out). Commands, output and messages stay as they are.
   */
  readonly outsidePaths?: boolean | undefined;
  /** The summaries of the model's reasoning (default true). */
  readonly reasoning?: boolean | undefined;
  /** The raw reasoning of models that give it (default false). */
  readonly rawReasoning?: boolean | undefined;
  /** The output of commands (default true). */
  readonly commandOutput?: boolean | undefined;
  /** The arguments of MCP tools and of the application's own (default true; else `null`). */
  readonly toolArguments?: boolean | undefined;
  /** The answers and errors of such tools (default true). */
  readonly toolOutput?: boolean | undefined;
  /** The diffs of file changes, and that of the turn (default true; else they are empty, or left out). */
  readonly diffs?: boolean | undefined;
  /** Token counts (default true). */
  readonly usage?: boolean | undefined;
  /** What sub-agents do (default true). */
  readonly subagents?: boolean | undefined;
  /** The server's warnings, which may name paths and settings of its machine (default false). */
  readonly warnings?: boolean | undefined;
}

type Shown = { readonly [Kind in keyof PartVisibility]-?: boolean };

const defaults: Shown = {
  outsidePaths: false,
  reasoning: true,
  rawReasoning: false,
  commandOutput: true,
  toolArguments: true,
  toolOutput: true,
  diffs: true,
  usage: true,
  subagents: true,
  warnings: false,
};

const keys: KeysOf<PartOptions> = { cwd: true, show: true };
const rules = Object.fromEntries(
  Object.keys(defaults).map((kind) => [kind, flag]),
) as RulesOf<PartVisibility>;

/** What may be shown, and how paths are. */
export interface Visibility {
  readonly show: Shown;
  readonly paths: VisiblePaths;
}

/** @throws InvalidArgumentError */
export function readPartOptions(call: string, options: PartOptions): Visibility {
  checkOptions(call, options, keys);
  const { cwd, show = {} } = options;
  checkFields({ cwd }, { cwd: text });
  checkKeys("show", show, defaults);
  checkFields(show, rules, "show");
  const given = Object.entries(show).filter(([, value]) => value !== undefined);
  const shown: Shown = { ...defaults, ...Object.fromEntries(given) };
  return { show: shown, paths: new VisiblePaths(cwd, shown.outsidePaths) };
}
