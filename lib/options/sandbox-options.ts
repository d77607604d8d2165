import type { SandboxMode, SandboxPolicy } from "../../generated/types.js";
import { checkSandbox } from "../errors/check-safety.js";

/**
 * Threads take a mode's name, turns a policy object: here one set of names serves both.
 *
 * @throws InvalidArgumentError for what is neither.
 */
export function toSandboxPolicy(
  sandbox: SandboxMode | SandboxPolicy | null,
  argument = "sandbox",
): SandboxPolicy | null {
  checkSandbox(argument, sandbox);
  switch (sandbox) {
    case "read-only":
      return { type: "readOnly", networkAccess: false };
    case "workspace-write":
      return {
        type: "workspaceWrite",
        writableRoots: [],
        networkAccess: false,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false,
      };
    case "danger-full-access":
      return { type: "dangerFullAccess" };
    default:
      return sandbox;
  }
}

/**
 * The sandbox as `turn/start` and `thread/settings/update` take it. Its name there, `sandboxPolicy`, is also
 * that in which the server tells the settings of a thread.
 *
 * @throws InvalidArgumentError
 */
export function sandboxIn(options: {
  readonly sandbox?: SandboxMode | SandboxPolicy | null | undefined;
  readonly sandboxPolicy?: SandboxPolicy | null | undefined;
}): { readonly sandboxPolicy?: SandboxPolicy | null } {
  const { sandbox, sandboxPolicy } = options;
  if (sandbox !== undefined) return { sandboxPolicy: toSandboxPolicy(sandbox) };
  if (sandboxPolicy === undefined) return {};
  return { sandboxPolicy: toSandboxPolicy(sandboxPolicy, "sandboxPolicy") };
}
