import type { JsonValue } from "../../../generated/types.js";
import { oneOf, check } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { StartThreadOptions } from "../../index.js";
import type {
  BuiltinToolName,
  HarnessPermissionMode,
  HarnessStartOptions,
  HarnessToolFiltering,
} from "./harness-types.js";
import { staysInside, type Places } from "./stays-inside.js";
import { unsupported } from "./unsupported.js";

/** What a session may do without asking, and what not at all. */
export interface HarnessPermissions {
  readonly mode: HarnessPermissionMode;
  /** Whether the session has this tool of Codex. */
  readonly has: (tool: BuiltinToolName) => boolean;
  /** Whether these paths of the server's machine lie in the directory of the session. */
  readonly areInside: (paths: readonly string[]) => Promise<boolean>;
  /** Settings of the thread that see to it. */
  readonly thread: Pick<StartThreadOptions, "approvalPolicy" | "approvalsReviewer" | "sandbox"> & {
    readonly config: Record<string, JsonValue>;
  };
}

/** What of the configuration takes a tool away from the model. */
const withoutTool = {
  bash: { "features.shell_tool": false },
  webSearch: { web_search: "disabled" },
  subagent: { "features.multi_agent": false },
} as const satisfies Partial<Record<BuiltinToolName, Record<string, JsonValue>>>;

const modes: readonly HarnessPermissionMode[] = ["allow-reads", "allow-edits", "allow-all"];

/**
 * Reads the permission mode and the filter of a session.
 *
 * @throws InvalidArgumentError where they cannot hold with what the application says of its threads.
 */
export function permissionsOf(
  { permissionMode = "allow-reads", builtinToolFiltering, sessionWorkDir }: HarnessStartOptions,
  given: Pick<StartThreadOptions, "approvalPolicy" | "sandbox" | "config">,
  places: Places,
): HarnessPermissions {
  check("permissionMode", permissionMode, oneOf(...modes));
  const isAllowAll = permissionMode === "allow-all";
  const named = given.approvalPolicy ?? undefined;
  if (named === "never" ? !isAllowAll : isAllowAll && named !== undefined) {
    throw new InvalidArgumentError(
      "permissionMode",
      `is ${permissionMode}, which does not go with thread.approvalPolicy; change one of them`,
    );
  }
  const has = (tool: BuiltinToolName): boolean => isIncluded(tool, builtinToolFiltering);
  const policy = isAllowAll ? "never" : (named ?? "untrusted");
  return {
    mode: permissionMode,
    has,
    areInside: async (paths) => {
      const all = await Promise.all(paths.map((each) => staysInside(places, sessionWorkDir, each)));
      return all.every((isInside) => isInside);
    },
    thread: {
      approvalPolicy: policy,
      // Those of the session are asked, and not a model.
      approvalsReviewer: "user",
      ...sandboxOf(has, given, isAllowAll),
      config: { ...given.config, ...configOf(has) },
    },
  };
}

function isIncluded(tool: BuiltinToolName, filter: HarnessToolFiltering | undefined): boolean {
  if (!filter) return true;
  return filter.toolNames.includes(tool) === (filter.mode === "allow");
}

function configOf(has: HarnessPermissions["has"]): Record<string, JsonValue> {
  const off = Object.entries(withoutTool).filter(([tool]) => !has(tool as BuiltinToolName));
  const questions = { "features.default_mode_request_user_input": has("askUserQuestions") };
  return Object.assign({}, questions, ...off.map(([, config]) => config)) as Record<
    string,
    JsonValue
  >;
}

/** The server has no switch for patches. Where nobody is asked about them, the sandbox has to refuse them. */
function sandboxOf(
  has: HarnessPermissions["has"],
  { sandbox }: Pick<StartThreadOptions, "sandbox">,
  isAllowAll: boolean,
): Pick<StartThreadOptions, "sandbox"> {
  if (has("applyPatch") || !isAllowAll) return sandbox === undefined ? {} : { sandbox };
  if (has("bash")) {
    throw unsupported(
      "inactiveTools",
      "cannot take applyPatch away under allow-all while bash stays; take both, or choose allow-edits or allow-reads",
    );
  }
  return { sandbox: "read-only" };
}
