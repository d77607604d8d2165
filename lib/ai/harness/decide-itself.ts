import type { ApprovalRequest } from "../../index.js";
import type { HarnessPermissions } from "./harness-permissions.js";

/** What needs no person: a tool that was taken away, and changes of files where these are allowed. */
export async function decideItself(
  request: ApprovalRequest,
  { mode, has, areInside }: Pick<HarnessPermissions, "mode" | "has" | "areInside">,
): Promise<boolean | undefined> {
  if (request.type === "command" && !has("bash")) return false;
  if (request.type !== "fileChange") return undefined;
  if (!has("applyPatch")) return false;
  if (mode !== "allow-edits" || !request.changes || isFilled(request.grantRoot)) return undefined;
  const paths = request.changes.flatMap(({ path, kind }) => {
    const target = kind.type === "update" ? kind.move_path : undefined;
    return isFilled(target) ? [path, target] : [path];
  });
  return (await areInside(paths)) ? true : undefined;
}

function isFilled(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
