import type { SandboxPolicy } from "../../../generated/types.js";

const kinds = ["readOnly", "workspaceWrite", "externalSandbox", "dangerFullAccess"];

/** A policy as the server told it; undefined for a kind that this library does not know. */
export function readSandboxPolicy(value: unknown): SandboxPolicy | undefined {
  const { type } = (value ?? {}) as { type?: unknown };
  return kinds.includes(type as string) ? (value as SandboxPolicy) : undefined;
}

/**
 * Whether commands may do something under `policy` that they may not do under `other`. Writable roots do
 * not count: those of the configuration are in every policy, whatever was asked for.
 */
export function isWider(policy: SandboxPolicy, other: SandboxPolicy): boolean {
  if (reach(policy) !== reach(other)) return reach(policy) > reach(other);
  if (hasNetwork(policy) && !hasNetwork(other)) return true;
  if (policy.type !== "workspaceWrite" || other.type !== "workspaceWrite") return false;
  return (
    (policy.excludeSlashTmp !== true && other.excludeSlashTmp === true) ||
    (policy.excludeTmpdirEnvVar !== true && other.excludeTmpdirEnvVar === true)
  );
}

/** Whether nothing is wider than `policy`. */
export function isUnlimited(policy: SandboxPolicy): boolean {
  return !isWider({ type: "dangerFullAccess" }, policy);
}

/** How much of the disk may be changed. In an external sandbox, the server forbids nothing itself. */
function reach({ type }: SandboxPolicy): number {
  return Math.min(kinds.indexOf(type), kinds.indexOf("externalSandbox"));
}

function hasNetwork(policy: SandboxPolicy): boolean {
  if (policy.type === "dangerFullAccess") return true;
  return policy.networkAccess === true || policy.networkAccess === "enabled";
}
